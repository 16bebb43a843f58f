// Probes of the hot loop (hot_loop.h) for the latency pass and for the second look at single calls.
//
// For the worker: no C++ library, no allocation. One object a thread.
#pragma once

#include <sys/resource.h>

#include <cstdint>

#include "replay/engine/explained_call.h"
#include "replay/engine/latency_detail.h"
#include "replay/engine/page_set.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/window_watch.h"

namespace replay {

// Times each call. Within the window stands the call; the rest is done after it.
template <class Timer, class Watch = WindowWatch<>>
class LatencyProbe {
 public:
  // by_op: one histogram an Op. first_event: of the lane's measured events, the thread's first.
  LatencyProbe(TickHistogram* by_op, LatencyDetail& detail, PageSet& pages,
               std::uint64_t first_event)
      : by_op_(by_op), detail_(detail), pages_(pages), event_(first_event) {
    detail_.preemptions_seen = watch_.switches().work();
  }

  std::uint64_t start() {
    watch_.begin();
    return Timer::start();
  }
  void stop(Op, std::uint64_t begin) { ticks_ = Timer::stop() - begin; }

  // Of the last window.
  std::uint64_t ticks() const { return ticks_; }

  // size: requested, or of a free the note of plan_layout.h.
  void done(Op op, std::uint64_t size, const void* result) {
    const Disturbance disturbance = watch_.end();
    const bool is_free = op == Op::kFree;
    const unsigned size_class = is_free ? free_note_size_class(size) : size_class_of(size);
    const bool special = is_free ? free_note_is_remote(size) : pages_.add(result, size);
    if (disturbance == Disturbance::kNone) {
      by_op_[static_cast<int>(op)].record(ticks_);
      detail_.classes[static_cast<int>(op)][size_class][special ? 1 : 0].record(ticks_);
    } else {
      ++detail_.disturbed[static_cast<int>(disturbance)];
      ++detail_.disturbed_by_op[static_cast<int>(op)];
      detail_.disturbed_windows.record(ticks_);
    }
    if (detail_.longest.takes(ticks_, disturbance)) {
      detail_.longest.add({ticks_, event_, is_free ? size_class_limit(size_class) : size, op,
                           special, disturbance, 0, 0});
    }
    ++event_;
  }

 private:
  TickHistogram* by_op_;
  LatencyDetail& detail_;
  PageSet& pages_;
  std::uint64_t event_;
  std::uint64_t ticks_ = 0;
  Watch watch_;
};

// Looks at the calls that it is told of and lets all others pass.
template <class Timer>
class ExplainProbe {
 public:
  // calls: ascending by event, until end. memory_calls: counts that go on by themselves, or all 0.
  ExplainProbe(ExplainedCall* calls, ExplainedCall* end, const std::uint64_t* memory_calls,
               std::uint64_t first_event)
      : next_(calls), end_(end), memory_calls_(memory_calls), event_(first_event) {
    while (next_ != end_ && next_->event < event_) ++next_;
  }

  std::uint64_t start() {
    if (next_ == end_ || next_->event != event_) return 0;
    look(before_);
    return Timer::start();
  }

  void stop(Op, std::uint64_t begin) {
    if (next_ != end_ && next_->event == event_) {
      next_->ticks = Timer::stop() - begin;
      Sight after;
      look(after);
      next_->page_faults = after.page_faults - before_.page_faults;
      next_->waits = after.waits - before_.waits;
      next_->preemptions = after.preemptions - before_.preemptions;
      for (int i = 0; i < kMemoryCallCount; ++i) {
        next_->memory_calls[i] = after.memory_calls[i] - before_.memory_calls[i];
      }
      next_->seen = true;
      ++next_;
    }
    ++event_;
  }

 private:
  struct Sight {
    std::uint64_t page_faults;
    std::uint64_t waits;
    std::uint64_t preemptions;
    std::uint64_t memory_calls[kMemoryCallCount];
  };

  void look(Sight& sight) const {
    rusage usage;
    ::getrusage(RUSAGE_THREAD, &usage);
    sight.page_faults = static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt);
    sight.waits = static_cast<std::uint64_t>(usage.ru_nvcsw);
    sight.preemptions = static_cast<std::uint64_t>(usage.ru_nivcsw);
    for (int i = 0; i < kMemoryCallCount; ++i) {
      sight.memory_calls[i] = __atomic_load_n(&memory_calls_[i], __ATOMIC_RELAXED);
    }
  }

  ExplainedCall* next_;
  ExplainedCall* end_;
  const std::uint64_t* memory_calls_;
  std::uint64_t event_;
  Sight before_{};
};

}  // namespace replay
