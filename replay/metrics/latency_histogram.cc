#include "replay/metrics/latency_histogram.h"

#include <algorithm>
#include <limits>
#include <span>

namespace replay {
namespace {

using Histograms = std::vector<TickHistogram> RunOutcome::*;

LatencyHistogram merge(std::span<const RunOutcome> runs, Op op, Histograms kind) {
  LatencyHistogram merged;
  if (runs.empty()) return merged;
  const double scale = runs.front().ns_per_tick;
  const auto which = static_cast<std::size_t>(op);
  for (const RunOutcome& run : runs) {
    const TickHistogram& ticks = (run.*kind)[which];
    merged.count += ticks.count;
    merged.sum_ns += static_cast<double>(ticks.sum) * scale;
    merged.max_ns = std::max(merged.max_ns, static_cast<double>(ticks.max) * scale);
  }
  for (unsigned i = 0; i < TickHistogram::kBuckets; ++i) {
    std::uint64_t count = 0;
    for (const RunOutcome& run : runs) count += (run.*kind)[which].buckets[i];
    if (count == 0) continue;
    merged.bins.push_back({static_cast<double>(TickHistogram::lower_bound(i)) * scale,
                           static_cast<double>(TickHistogram::lower_bound(i + 1)) * scale, count});
  }
  return merged;
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
