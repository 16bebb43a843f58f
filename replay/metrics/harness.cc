// What stands between a figure and the allocator: the replay's own cost per event (the null
// allocator on the same plan), the timer's cost, and allocations that the allocator refused.
#include "replay/metrics/groups.h"

namespace replay {

void add_harness(const Measured& measured, std::vector<Metric>& out) {
  const auto events = static_cast<double>(measured.plan.event_count - measured.plan.warmup_events);
  Metric cost{"harness_cost_per_event_ns", "ns", Better::kNone, {}};
  for (const RunOutcome& run : measured.calibration.runs(Pass::kThroughput)) {
    cost.samples.push_back(static_cast<double>(run.elapsed_ns) / events);
  }
  Metric timer{"harness_timer_cost_ns", "ns", Better::kNone, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kLatency)) {
    timer.samples.push_back(run.timer_cost_ns);
  }
  Metric step{"harness_timer_resolution_ns", "ns", Better::kNone, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kLatency)) {
    step.samples.push_back(run.timer_resolution_ns);
  }
  Metric failed{"failed_allocations", "calls", Better::kLower, {}};
  const bool timed = !measured.runs.runs(Pass::kThroughput).empty();
  failed.exact = !timed;
  for (const RunOutcome& run :
       measured.runs.runs(timed ? Pass::kThroughput : Pass::kInstructions)) {
    failed.samples.push_back(static_cast<double>(run.failed_allocations));
  }
  for (Metric* metric : {&cost, &timer, &step, &failed}) out.push_back(std::move(*metric));
}

}  // namespace replay
