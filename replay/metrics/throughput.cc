// Events a second over the measured part of the trace. Inside the window: the calls, decoding the
// plan, and touching the objects; no timers.
#include "replay/metrics/groups.h"

namespace replay {

void add_throughput(const Measured& measured, std::vector<Metric>& out) {
  const auto events = static_cast<double>(measured.plan.event_count - measured.plan.warmup_events);
  Metric rate{"throughput_events_per_s", "events/s", Better::kHigher, {}};
  Metric cost{"time_per_event_ns", "ns", Better::kLower, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kThroughput)) {
    const auto ns = static_cast<double>(run.elapsed_ns);
    rate.samples.push_back(events * 1e9 / ns);
    cost.samples.push_back(ns / events);
  }
  out.push_back(std::move(rate));
  out.push_back(std::move(cost));
}

}  // namespace replay
