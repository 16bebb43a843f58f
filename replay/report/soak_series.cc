#include "replay/report/soak_series.h"

namespace replay {

SoakSeries soak_series(const Plan& closed, std::uint64_t recorded_events, const RunOutcome& run) {
  SoakSeries series;
  series.events_per_turn = closed.event_count - closed.warmup_events;
  series.closing_events = series.events_per_turn - recorded_events;
  series.live_bytes = closed.checkpoints.back().live_bytes;
  for (const SoakTurn& turn : run.turns) {
    const std::uint64_t before = run.baseline.anonymous_bytes;
    series.resident_bytes.push_back(
        turn.anonymous_bytes > before ? static_cast<double>(turn.anonymous_bytes - before) : 0);
    series.cpu_time_per_event_ns.push_back(static_cast<double>(turn.cpu_ns) /
                                           static_cast<double>(series.events_per_turn));
  }
  series.resident = find_drift(series.resident_bytes, kPagesGrowBy);
  series.cpu_time = find_drift(series.cpu_time_per_event_ns, kTimeGrowsBy);
  return series;
}

}  // namespace replay
