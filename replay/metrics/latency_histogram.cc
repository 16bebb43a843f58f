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
  return in_ns(merged, runs.front().ns_per_tick);
}

}  // namespace

double LatencyHistogram::quantile_ns(double q) const {
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  const double rank = q * static_cast<double>(count);
  double below = 0;
  for (const LatencyBin& bin : bins) {
    const auto in_bin = static_cast<double>(bin.count);
    if (below + in_bin >= rank) {
      const double share = (rank - below) / in_bin;
      return std::min(max_ns, bin.lower_ns + share * (bin.upper_ns - bin.lower_ns));
    }
    below += in_bin;
  }
  return max_ns;
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
