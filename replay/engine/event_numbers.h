// Finds the events of the trace that a plan's lanes executed: the worker numbers the measured
// events of its lane, and only the trace knows how the lanes' events stand among each other.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/engine/plan.h"

namespace replay {

// A measured event of a lane.
struct LaneEvent {
  std::uint32_t lane = 0;
  std::uint64_t event = 0;

  friend auto operator<=>(const LaneEvent&, const LaneEvent&) = default;
};

// The number in the trace of each of `wanted`, in the same order. `threads` is the plan's choice.
// Reads the

// trace only if the plan has more than one lane: O(events).
std::vector<std::uint64_t> event_numbers(const std::string& trace_path, ReadOptions read_options,
                                         const Plan& plan, ThreadChoice threads,
                                         const std::vector<LaneEvent>& wanted);

}  // namespace replay
