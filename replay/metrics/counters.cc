// Hardware counters of the whole measured part, an event, with what the replay itself does in it.
// Absent where perf_event_open allows none, and one by one where the machine lacks a counter or has
// one that stands still, as some virtual machines do.
#include <fmt/format.h>

#include <algorithm>

#include "replay/metrics/groups.h"

namespace replay {
namespace {

bool counts(const CounterReading& reading) { return reading.counted && reading.value > 0; }

}  // namespace

void add_counters(const Measured& measured, std::vector<Metric>& out) {
  const auto events = static_cast<double>(measured.plan.event_count - measured.plan.warmup_events);
  const std::vector<RunOutcome>& runs = measured.runs.runs(Pass::kCounters);
  Metric share{"counters_running_share", kShare, Better::kNone, {}};
  for (const RunOutcome& run : runs) {
    double least = 1;
    bool any = false;
    for (const CounterReading& reading : run.counters) {
      if (!counts(reading)) continue;
      least = std::min(least, reading.running_share);
      any = true;
    }
    if (any) share.samples.push_back(least);
  }
  for (int i = 0; i < kCounterCount; ++i) {
    Metric metric{fmt::format("counter_{}_per_event", counter_name(static_cast<Counter>(i))),
                  "counts",
                  Better::kLower,
                  {}};
    for (const RunOutcome& run : runs) {
      const CounterReading& reading = run.counters[static_cast<std::size_t>(i)];
      if (counts(reading)) metric.samples.push_back(static_cast<double>(reading.value) / events);
    }
    // A counter that came and went has no sample for every repetition, and no place in pairs.
    if (metric.samples.size() == runs.size()) out.push_back(std::move(metric));
  }
  out.push_back(std::move(share));
}

}  // namespace replay
