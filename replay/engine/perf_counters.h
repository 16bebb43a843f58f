// Hardware counters of this process, by perf_event_open(2): user mode only, threads that start
// later included. A counter that the kernel or the machine refuses is absent, never zero.
//
// For the worker and for the launcher: no C++ library, allocates nothing. Opening costs a system
// call a counter; while they count, nothing. Not thread-safe. Tests put a kernel of their own in
// place of the real one.
#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>

namespace replay {

enum class Counter : std::uint32_t {
  kInstructions,
  kCycles,
  kCacheReferences,
  kCacheMisses,
  kDtlbMisses,
  kBranches,
  kBranchMisses,
};
inline constexpr int kCounterCount = 7;

constexpr const char* counter_name(Counter counter) {
  constexpr const char* kNames[kCounterCount] = {"instructions", "cycles",      "cache_references",
                                                 "cache_misses", "dtlb_misses", "branches",
                                                 "branch_misses"};
  return kNames[static_cast<int>(counter)];
}

// A counter that had to share the hardware with others counted only part of the time: `value` is
// what it would have been in the whole, `running_share` the part.
struct CounterReading {
  bool counted;
  std::uint64_t value;
  double running_share;  // 0 to 1
};

// The system calls, for tests to replace.
struct PerfKernel {
  int (*open)(perf_event_attr* attributes);  // of this process on any CPU; -1 = refused
  long (*read)(int fd, void* buffer, std::size_t bytes);
  int (*control)(int fd, unsigned long request);
  const perf_event_mmap_page* (*map)(int fd);  // the event's own page; nullptr = refused
  void (*unmap)(const perf_event_mmap_page* page);
  void (*close)(int fd);
};
extern const PerfKernel kRealPerfKernel;

enum class CounterOf { kThread, kProcess };  // the calling thread; and all that it starts later

// A counter in user mode, stopped and at zero; -1 = refused.
int open_counter(Counter counter, CounterOf whom, const PerfKernel& kernel);

class PerfCounters {
 public:
  // Opens the counters whose bit (1 << Counter) stands in `wanted`, stopped and at zero.
  explicit PerfCounters(unsigned wanted, const PerfKernel& kernel = kRealPerfKernel);
  ~PerfCounters();
  PerfCounters(const PerfCounters&) = delete;
  PerfCounters& operator=(const PerfCounters&) = delete;

  void start() const;
  void stop() const;
  bool has(Counter counter) const { return fds_[static_cast<int>(counter)] >= 0; }
  CounterReading read(Counter counter) const;

 private:
  const PerfKernel& kernel_;
  int fds_[kCounterCount];
};

inline constexpr unsigned kAllCounters = (1U << kCounterCount) - 1;
constexpr unsigned counter_bit(Counter counter) { return 1U << static_cast<unsigned>(counter); }

// Whether instructions can be counted here: a counter opens, and moves when work is done (in some
// virtual machines it opens and stands still).
bool perf_counts_instructions(const PerfKernel& kernel = kRealPerfKernel);

}  // namespace replay
