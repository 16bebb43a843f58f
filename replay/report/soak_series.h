// What a soak found: the figures of every turn, and whether they grow.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/engine/launcher.h"
#include "replay/report/drift.h"

namespace replay {

// From the middle of a soak to its end. Pages repeat from run to run, CPU time does not.
inline constexpr double kPagesGrowBy = 0.01;
inline constexpr double kTimeGrowsBy = 0.05;

struct SoakSeries {
  std::uint64_t events_per_turn = 0;          // those that bring back the first state among them
  std::uint64_t closing_events = 0;           // these alone
  std::uint64_t live_bytes = 0;               // at each turn's end
  std::vector<double> resident_bytes;         // by turn
  std::vector<double> cpu_time_per_event_ns;  // by turn, the replay's own and page faults included
  Drift resident;
  Drift cpu_time;
};

// pre: `run` is of Pass::kSoak with the closed plan, of which `recorded_events` are the trace's.
SoakSeries soak_series(const Plan& closed, std::uint64_t recorded_events, const RunOutcome& run);

}  // namespace replay
