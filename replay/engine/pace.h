// Probes of the hot loop that keep to the recorded times: an open loop. Each call is due at its
// recorded time times a factor, whatever became of the calls before it; a thread that is late goes
// on at full speed until it has caught up. What a call took is its service time; from when it was
// due until it was done is its response time, so a stall is charged to everything behind it.
//
// For the worker: no C++ library, no allocation. One object a thread.
#pragma once

#include <time.h>

#include <cstdint>

#include "replay/engine/hot_loop.h"
#include "replay/engine/lane_progress.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/tick_histogram.h"
#include "replay/trace/event.h"

namespace replay {

// The clock of a paced replay, and when its measured part began.
struct PaceClock {
  std::uint64_t start_ticks;
  double ticks_per_recorded_ns;  // the factor is in it
  double ns_per_tick;

  // The measured part begins a little later than now, for threads have to wake up first.
  void begin_after(std::uint64_t now_ticks) {
    constexpr double kLeadNs = 5e6;
    start_ticks = now_ticks + static_cast<std::uint64_t>(kLeadNs / ns_per_tick);
  }

  // So many ticks passed that do not count. pre: no Pace waits.
  void stood_still(std::uint64_t ticks) { start_ticks += ticks; }
};

// Where a lane's times stand: that of its measured event i is plan[first_due + i].
struct Dues {
  const PlanWord* plan;
  const std::uint64_t& first_due;  // changes while a streamed plan gets further words
};

// The times of one lane's events, one after the other.
template <class Timer>
class Pace {
 public:
  // event: of the lane's measured ones, the first.
  Pace(const PaceClock& clock, const Dues& dues, std::uint64_t event)
      : clock_(clock), dues_(dues), next_(event) {}

  // Waits until the next event is due; returns the tick at which it was.
  std::uint64_t wait() {
    const std::uint64_t due =
        clock_.start_ticks +
        static_cast<std::uint64_t>(static_cast<double>(dues_.plan[dues_.first_due + next_++]) *
                                   clock_.ticks_per_recorded_ns);
    for (;;) {
      const std::uint64_t now = Timer::stop();
      if (now >= due) return due;
      const double left_ns = static_cast<double>(due - now) * clock_.ns_per_tick;
      if (left_ns > kSleepFromNs) {
        sleep_ns(left_ns - kWakeUpNs);
      } else {
        pause_cpu();
      }
    }
  }

 private:
  // Waking up takes tens of microseconds; what is nearer than this is waited for awake.
  static constexpr double kWakeUpNs = 80'000;
  static constexpr double kSleepFromNs = 100'000;

  static void sleep_ns(double ns) {
    const auto whole = static_cast<std::int64_t>(ns);
    const timespec span{static_cast<time_t>(whole / 1'000'000'000), whole % 1'000'000'000};
    ::nanosleep(&span, nullptr);
  }

  const PaceClock& clock_;
  Dues dues_;
  std::uint64_t next_;
};

// Any probe, before whose calls it waits.
template <class Timer, class Probe>
struct PacedProbe : Probe {
  Pace<Timer> pace;
  std::uint64_t start() {
    pace.wait();
    return Probe::start();
  }
};

// Around a probe that times the calls; ticks() is what it last found. Each response counts,
// whatever disturbed it: what came behind it cannot be told apart.
template <class Timer, class Timed>
struct PacedTimerProbe {
  Pace<Timer> pace;
  TickHistogram* response;  // one an Op
  Timed timed;
  std::uint64_t due = 0;

  std::uint64_t start() {
    due = pace.wait();
    return timed.start();
  }
  void stop(Op op, std::uint64_t begin) {
    timed.stop(op, begin);
    response[static_cast<int>(op)].record(begin + timed.ticks() - due);
  }
  void done(Op op, std::uint64_t size, const void* result) { tell(timed, op, size, result); }
};

}  // namespace replay
