// Timed windows that do not count, because the kernel took the CPU away in them. They stand in no
// percentile; here stands how many there were.
#include "replay/metrics/groups.h"

namespace replay {

void add_disturbance(const Measured& measured, std::vector<Metric>& out) {
  Metric preempted{"latency_windows_preempted", "windows", Better::kNone, {}};
  Metric migrated{"latency_windows_migrated", "windows", Better::kNone, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kLatency)) {
    const auto count = [&](Disturbance disturbance) {
      return static_cast<double>(run.latency.disturbed[static_cast<std::size_t>(disturbance)]);
    };
    if (run.latency.preemptions_seen) preempted.samples.push_back(count(Disturbance::kPreempted));
    migrated.samples.push_back(count(Disturbance::kMigrated));
  }
  out.push_back(std::move(preempted));
  out.push_back(std::move(migrated));
}

}  // namespace replay
