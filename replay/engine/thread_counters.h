// Hardware counters of the calling thread, read in user mode by the machine's own instruction:
// tens of cycles instead of a system call, which would leave the caches and predictors of the
// kernel behind.
//
// The kernel says in a page of each event whether its counter is on the hardware now, and where;
// that changes (the page's `lock` with it) when the thread is switched off, when counters share the
// hardware, and when one overflows. A window in which it changed is not told.
//
// For the worker: no C++ library, no allocation. One object a thread, made and used by it. x86-64
// only; elsewhere, and where the kernel forbids the instruction (/sys/devices/cpu/rdpmc), no
// counter is ever on the hardware. Tests put a kernel and an instruction of their own in place.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

#include "replay/engine/perf_counters.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace replay {

// Reads a counter of this CPU, when all before it has finished and before anything after begins.
struct HardwareCounter {
#if defined(__x86_64__)
  static constexpr bool kExists = true;
  static std::uint64_t read(std::uint32_t index) {
    _mm_lfence();
    const std::uint64_t value = static_cast<std::uint64_t>(__rdpmc(static_cast<int>(index)));
    _mm_lfence();
    return value;
  }
#else
  static constexpr bool kExists = false;
  static std::uint64_t read(std::uint32_t) { return 0; }
#endif
};

inline constexpr std::uint64_t kNotCounted = UINT64_MAX;

template <class Instruction = HardwareCounter>
class ThreadCounters {
 public:
  explicit ThreadCounters(const PerfKernel& kernel = kRealPerfKernel) : kernel_(kernel) {
    for (int i = 0; i < kCounterCount; ++i) open(static_cast<Counter>(i));
  }
  ~ThreadCounters() {
    for (unsigned i = 0; i < count_; ++i) {
      kernel_.unmap(pages_[i]);
      kernel_.close(fds_[i]);
    }
  }
  ThreadCounters(const ThreadCounters&) = delete;
  ThreadCounters& operator=(const ThreadCounters&) = delete;

  // Those that the kernel allows, by number.
  unsigned count() const { return count_; }
  Counter counter(unsigned i) const { return counters_[i]; }

  // A window of counter i. pre: i < count(); end() takes what begin() gave, with no other window
  // between. end() returns what was counted, or kNotCounted.
  std::uint64_t begin(unsigned i) {
    const perf_event_mmap_page& page = *pages_[i];
    sequence_ = sequence_of(page);
    index_ = page.cap_user_rdpmc != 0 ? page.index : 0;
    return index_ == 0 ? 0 : Instruction::read(index_ - 1);
  }
  std::uint64_t end(unsigned i, std::uint64_t begin) const {
    const perf_event_mmap_page& page = *pages_[i];
    // Looked at before as well, for another CPU need not have a counter of that index.
    if (index_ == 0 || sequence_of(page) != sequence_) return kNotCounted;
    const std::uint64_t now = Instruction::read(index_ - 1);
    if (sequence_of(page) != sequence_) return kNotCounted;
    const unsigned unused_bits = (64U - page.pmc_width) % 64U;
    return (now - begin) << unused_bits >> unused_bits;
  }

 private:
  void open(Counter counter) {
    if (!Instruction::kExists) return;
    const int fd = open_counter(counter, CounterOf::kThread, kernel_);
    if (fd < 0) return;
    const perf_event_mmap_page* page = kernel_.map(fd);
    if (page == nullptr) {
      kernel_.close(fd);
      return;
    }
    kernel_.control(fd, PERF_EVENT_IOC_ENABLE);
    counters_[count_] = counter;
    fds_[count_] = fd;
    pages_[count_] = page;
    ++count_;
  }

  static std::uint32_t sequence_of(const perf_event_mmap_page& page) {
    asm volatile("" ::: "memory");  // the kernel writes it on this very CPU
    const std::uint32_t sequence = __atomic_load_n(&page.lock, __ATOMIC_RELAXED);
    asm volatile("" ::: "memory");
    return sequence;
  }

  const PerfKernel& kernel_;
  unsigned count_ = 0;
  Counter counters_[kCounterCount];
  int fds_[kCounterCount];
  const perf_event_mmap_page* pages_[kCounterCount];
  std::uint32_t sequence_ = 0;  // when the window began
  std::uint32_t index_ = 0;
};

// Whether a window sees instructions here.
template <class Instruction = HardwareCounter>
bool windows_count_instructions(const PerfKernel& kernel = kRealPerfKernel) {
  ThreadCounters<Instruction> counters(kernel);
  if (counters.count() == 0 || counters.counter(0) != Counter::kInstructions) return false;
  constexpr unsigned kSteps = 1000;
  constexpr int kTries = 10;  // one may meet a switch of threads
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t begin = counters.begin(0);
    for (unsigned step = 0; step < kSteps; ++step) asm volatile("" : "+r"(step));  // keeps the loop
    const std::uint64_t counted = counters.end(0, begin);
    if (counted != kNotCounted) return counted >= kSteps;
  }
  return false;
}

}  // namespace replay
