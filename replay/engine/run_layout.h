// What an allocreplay process and its worker share during one repetition: a memory file, mapped by
// both, that holds the request, the worker's tables and its results. Plain data only.
//
//   +-----------+---------------+-----------------+-----------------+------------+
//   | RunHeader | void* slots[] | uint64 pauses[] | MemorySample [] | histograms |
//   +-----------+---------------+-----------------+-----------------+------------+
//   | LatencyDetail (kLatency) | ExplainedCall [] (kExplain) |
//   +--------------------------+-----------------------------+
//
// It is mapped shared, and populated before anything is measured: none of it is anonymous memory,
// so the anonymous pages that a worker gains are the allocator's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/engine/explained_call.h"
#include "replay/engine/latency_detail.h"
#include "replay/engine/memory_call.h"
#include "replay/engine/perf_counters.h"
#include "replay/engine/tick_histogram.h"
#include "replay/trace/event.h"

namespace replay {

enum class Pass : std::uint32_t {
  kThroughput,
  kLatency,
  kMemory,
  kInstructions,  // by a tool that counts them; see is_repeatable()
  kCounters,      // hardware counters, where there are any
  kExplain,       // a second look at single calls
  kKernelWork,    // page faults and calls for memory, natively
};
inline constexpr int kPassCount = 7;

constexpr const char* pass_name(Pass pass) {
  constexpr const char* kNames[kPassCount] = {"throughput", "latency", "memory",     "instructions",
                                              "counters",   "explain", "kernel-work"};
  return kNames[static_cast<int>(pass)];
}

// Passes whose figures are to be the same in every run: the worker's addresses are not randomised,
// and its allocator's clock stands still (still_clock.h).
constexpr bool is_repeatable(Pass pass) {
  return pass == Pass::kInstructions || pass == Pass::kKernelWork;
}

// Passes that count the calls for memory (memory_calls.h), which takes time.
constexpr bool counts_memory_calls(Pass pass) {
  return pass == Pass::kMemory || pass == Pass::kExplain || pass == Pass::kKernelWork;
}

// How much of each object the replay writes to after it got it. kRecorded is kPage for as many
// pages as the plan says that the recorded program touched.
enum class Touch : std::uint32_t { kNone, kPage, kAll, kRecorded };

enum class WorkerStatus : std::uint32_t {
  kNotStarted,
  kRunning,
  kDone,
  kUnknownAllocator,
  kCannotMap,
};

struct MemorySample {
  std::uint64_t anonymous_bytes;  // resident anonymous memory of the process
  std::uint64_t mapped_bytes;     // size of its address space
};

struct RunHeader {
  // request
  Pass pass;
  Touch touch;
  std::uint64_t word_count;
  std::uint64_t slot_count;
  std::uint64_t pause_count;  // offsets of checkpoints in words; the first starts the measured part
  std::uint64_t explained_count;  // kExplain
  bool count_by_perf;             // kInstructions: else a tool around the worker counts
  char allocator[64];             // name of a registered allocator; "glibc" is the process's malloc
  // progress
  WorkerStatus status;
  std::uint64_t pauses_done;
  // results
  std::uint64_t elapsed_ns;    // kThroughput: the measured part
  double ns_per_tick;          // kLatency
  double timer_cost_ns;        // kLatency: median of an empty timed window
  double timer_resolution_ns;  // kLatency: steps of the clock
  bool timer_is_tsc;
  std::uint64_t failed_allocations;
  std::uint64_t minor_faults;
  std::uint64_t major_faults;
  MemorySample baseline;           // kMemory: before the first event
  std::uint64_t high_water_bytes;  // kMemory: growth of the kernel's high-water mark
  bool memory_calls_counted;
  std::uint64_t memory_calls[kMemoryCallCount];
  bool addresses_fixed;  // the kernel did not randomise them
  CounterReading counters[kCounterCount];
  char malloc_object[512];  // file that the process's malloc comes from
};

constexpr std::size_t run_slots_offset() { return (sizeof(RunHeader) + 63) / 64 * 64; }
constexpr std::size_t run_pauses_offset(const RunHeader& h) {
  return run_slots_offset() + h.slot_count * sizeof(void*);
}
constexpr std::size_t run_samples_offset(const RunHeader& h) {
  return run_pauses_offset(h) + h.pause_count * sizeof(std::uint64_t);
}
constexpr std::size_t run_histograms_offset(const RunHeader& h) {
  return run_samples_offset(h) + h.pause_count * sizeof(MemorySample);
}
constexpr std::size_t run_details_offset(const RunHeader& h) {
  return run_histograms_offset(h) + kOpCount * sizeof(TickHistogram);
}
constexpr std::size_t run_explained_offset(const RunHeader& h) {
  return run_details_offset(h) + (h.pass == Pass::kLatency ? sizeof(LatencyDetail) : 0);
}
constexpr std::size_t run_total_bytes(const RunHeader& h) {
  return run_explained_offset(h) + h.explained_count * sizeof(ExplainedCall);
}

}  // namespace replay
