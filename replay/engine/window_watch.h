// Whether a thread kept its CPU during a timed window. Looking costs two loads on either side of
// it; only where the kernel switched the thread off a system call finds out why: a thread that
// waits for a lock of the allocator is the allocator's time, one that was made to wait is not.
//
// Interrupts that do not switch the thread are not seen. For the worker: no C++ library, no
// allocation. One object a thread.
#pragma once

#include <sched.h>
#include <sys/resource.h>

#include <cstdint>

#include "replay/engine/latency_detail.h"
#include "replay/engine/perf_counters.h"

namespace replay {

// The calling thread, as the kernel sees it.
class ThreadSwitches {
 public:
  explicit ThreadSwitches(const PerfKernel& kernel = kRealPerfKernel);
  ~ThreadSwitches();
  ThreadSwitches(const ThreadSwitches&) = delete;
  ThreadSwitches& operator=(const ThreadSwitches&) = delete;

  // False where the kernel allows no software event of perf_event_open: then only another CPU
  // tells.
  bool work() const { return page_ != nullptr; }
  int cpu() const { return ::sched_getcpu(); }
  // Another number after each time that the thread was switched off.
  std::uint32_t generation() const {
    return page_ == nullptr ? 0 : __atomic_load_n(&page_->lock, __ATOMIC_RELAXED);
  }
  // How often it was switched off although it had work to do.
  std::uint64_t preemptions() const;

 private:
  const PerfKernel& kernel_;
  int fd_;
  const perf_event_mmap_page* page_ = nullptr;
};

template <class Switches = ThreadSwitches>
class WindowWatch {
 public:
  WindowWatch() = default;
  template <class... Arguments>
  explicit WindowWatch(Arguments&... arguments) : switches_(arguments...) {}

  void begin() {
    cpu_ = switches_.cpu();
    if (switches_.generation() != generation_) look();
  }

  // The watch goes on; begin() need not follow at once.
  Disturbance end() {
    const bool migrated = switches_.cpu() != cpu_;
    if (switches_.generation() == generation_) {
      return migrated ? Disturbance::kMigrated : Disturbance::kNone;
    }
    const std::uint64_t before = preemptions_;
    look();
    // Who waits may wake up on another CPU; to move a thread that runs the kernel must stop it.
    if (preemptions_ == before) return Disturbance::kNone;
    return migrated ? Disturbance::kMigrated : Disturbance::kPreempted;
  }

  const Switches& switches() const { return switches_; }

 private:
  // Between windows, so a switch meanwhile is no matter; the generation is read last, lest a thread
  // that the looking itself switches off (each system call does under strace) look again for ever.
  [[gnu::noinline, gnu::cold]] void look() {
    preemptions_ = switches_.preemptions();
    generation_ = switches_.generation();
  }

  Switches switches_;
  int cpu_ = -1;
  std::uint32_t generation_ = UINT32_MAX;  // odd: no page has it at rest
  std::uint64_t preemptions_ = 0;
};

}  // namespace replay
