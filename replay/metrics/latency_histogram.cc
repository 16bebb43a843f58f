#include "replay/metrics/latency_histogram.h"

#include <algorithm>
#include <limits>
#include <span>

namespace replay {
namespace {

using Histograms = std::vector<TickHistogram> RunOutcome::*;

LatencyHistogram merge(std::span<const RunOutcome> runs, Op op, Histograms kind) {
  if (runs.empty()) return {};
  TickHistogram merged{};
  for (const RunOutcome& run : runs) merged.add((run.*kind)[static_cast<std::size_t>(op)]);
  return in_ns(merged, runs.front().ns_per_tick, runs.front().timer_resolution_ns);
}

}  // namespace

double LatencyHistogram::calls_below(double ns) const {
  double calls = 0;
  for (const LatencyBin& bin : bins) {
    const double middle = (bin.lower_ns + bin.upper_ns) / 2;
    const double width = std::max(bin.upper_ns - bin.lower_ns, step_ns);
    const double share = std::clamp((ns - middle) / width + 0.5, 0.0, 1.0);
    calls += share * static_cast<double>(bin.count);
  }
  return calls;
}

double LatencyHistogram::quantile_ns(double q) const {
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  constexpr double kPrecision = 1e-9;
  const double rank = q * static_cast<double>(count);
  if (rank <= 0) return 0;
  double low = 0;
  double high = max_ns;
  while (high - low > kPrecision * high) {
    const double middle = (low + high) / 2;
    (calls_below(middle) < rank ? low : high) = middle;
  }
  return high;
}

double LatencyHistogram::mean_ns() const {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : sum_ns / static_cast<double>(count);
}

LatencyHistogram merge_latencies(const std::vector<RunOutcome>& runs, Op op) {
  return merge(runs, op, &RunOutcome::histograms);
}
LatencyHistogram latencies_of(const RunOutcome& run, Op op) {
  return merge({&run, 1}, op, &RunOutcome::histograms);
}

LatencyHistogram merge_responses(const std::vector<RunOutcome>& runs, Op op) {
  return merge(runs, op, &RunOutcome::responses);
}
LatencyHistogram responses_of(const RunOutcome& run, Op op) {
  return merge({&run, 1}, op, &RunOutcome::responses);
}

}  // namespace replay
