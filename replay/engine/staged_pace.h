// The pace of a worker's lanes: where in the plan their times stand, and the clock that they share.
//
// For the worker: no C++ library, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/engine/pace.h"
#include "replay/engine/stage.h"
#include "replay/engine/timer_quality.h"

namespace replay {

// The times of a lane's measured events from `event` on. The clock outlives it.
template <class Timer>
Pace<Timer> pace_of(const Stage& stage, const PaceClock& clock, std::size_t lane,
                    std::uint64_t event) {
  return {clock, {stage.plan, stage.lanes[lane].first_due}, event};
}

// Not started yet. Takes as long as TickRate measures.
template <class Timer>
PaceClock pace_clock(const Stage& stage) {
  const double ns_per_tick = TickRate<Timer>().ns_per_tick();
  return {0, stage.run->pace / ns_per_tick, ns_per_tick};
}

// A pass that keeps to the recorded times, and does not count what a streamed plan stands still
// for.
template <class Timer>
struct PacedPass {
  PaceClock clock;
  std::uint64_t still_ticks = 0;

  void stand_still() { still_ticks = Timer::stop(); }
  void go_on() { clock.stood_still(Timer::stop() - still_ticks); }
};

}  // namespace replay
