// Hardware counters of one call, by operation: the mean over the windows of a counter around calls
// of that kind, without what a window around nothing counts. Absent where perf_event_open allows
// none, where a counter never moves, and for what no window saw in each repetition.
#include <fmt/format.h>

#include <optional>

#include "replay/metrics/groups.h"

namespace replay {
namespace {

// One sample a repetition; none at all if there is a repetition without, for then it has no place
// in pairs.
void add(const std::vector<RunOutcome>& runs, Metric metric, auto sample_of,
         std::vector<Metric>& out) {
  for (const RunOutcome& run : runs) {
    const std::optional<double> sample = sample_of(run.call_counts);
    if (!sample) return;
    metric.samples.push_back(*sample);
  }
  out.push_back(std::move(metric));
}

// Some virtual machines have counters that stand still.
bool moves(const CallCounts& counts, int counter) {
  CallCount all = counts.empty[counter];
  for (const auto& of_op : counts.by_op) all.add(of_op[counter]);
  return all.sum > 0;
}

void add_operations(const std::vector<RunOutcome>& runs, int counter, std::vector<Metric>& out) {
  const char* name = counter_name(static_cast<Counter>(counter));
  for (int op = 0; op < kOpCount; ++op) {
    const auto of_a_call = [&](const CallCounts& counts) -> std::optional<double> {
      const CallCount& calls = counts.by_op[op][counter];
      const CallCount& empty = counts.empty[counter];
      if (calls.windows == 0 || empty.windows == 0 || !moves(counts, counter)) return {};
      return calls.mean() - empty.mean();
    };
    add(runs,
        {fmt::format("counter_{}_{}", name, op_name(static_cast<Op>(op))),
         "counts",
         Better::kLower,
         {}},
        of_a_call, out);
  }
}

void add_reading(const std::vector<RunOutcome>& runs, int counter, std::vector<Metric>& out) {
  const auto of_nothing = [&](const CallCounts& counts) -> std::optional<double> {
    const CallCount& empty = counts.empty[counter];
    if (empty.windows == 0 || !moves(counts, counter)) return {};
    return empty.mean();
  };
  const char* name = counter_name(static_cast<Counter>(counter));
  add(runs, {fmt::format("harness_counter_{}_per_window", name), "counts", Better::kNone, {}},
      of_nothing, out);
}

// Of the windows around calls, those in which the counter ran; of the counter that ran least.
std::optional<double> running_share(const CallCounts& counts) {
  std::optional<double> least;
  for (int counter = 0; counter < kCounterCount; ++counter) {
    CallCount all{};
    for (int op = 0; op < kOpCount; ++op) all.add(counts.by_op[op][counter]);
    if (all.windows == 0) continue;
    const double share =
        static_cast<double>(all.windows) / static_cast<double>(all.windows + all.missed);
    if (!least || share < *least) least = share;
  }
  return least;
}

std::optional<double> windows(const CallCounts& counts, int op) {
  CallCount all{};
  for (const CallCount& count : counts.by_op[op]) all.add(count);
  if (all.windows == 0) return {};
  return static_cast<double>(all.windows);
}

}  // namespace

void add_call_counters(const Measured& measured, std::vector<Metric>& out) {
  const std::vector<RunOutcome>& runs = measured.runs.runs(Pass::kCallCounters);
  for (int i = 0; i < kCounterCount; ++i) add_operations(runs, i, out);
  for (int i = 0; i < kCounterCount; ++i) add_reading(runs, i, out);
  for (int op = 0; op < kOpCount; ++op) {
    const std::string key = fmt::format("counter_windows_{}", op_name(static_cast<Op>(op)));
    add(
        runs, {key, "calls", Better::kNone, {}},
        [op](const CallCounts& counts) { return windows(counts, op); }, out);
  }
  add(runs, {"counter_windows_running_share", kShare, Better::kNone, {}}, running_share, out);
}

}  // namespace replay
