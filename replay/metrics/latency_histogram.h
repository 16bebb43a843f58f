// Latency histograms in nanoseconds: those of a worker, or several merged.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/engine/launcher.h"

namespace replay {

struct LatencyBin {
  double lower_ns;
  double upper_ns;
  std::uint64_t count;
};

struct LatencyHistogram {
  std::vector<LatencyBin> bins;  // ascending, none empty
  std::uint64_t count = 0;
  double sum_ns = 0;
  double max_ns = 0;
  double step_ns = 0;  // by which the clock steps

  // The latency below which the share q (0 to 1) of the calls stayed, never above the maximum; NaN
  // without calls. A call is spread evenly over its bin, or over a step of the clock around it if
  // that is wider: a window of 24 ns reads 20 or 30 where the clock steps by 10, as it happens to
  // begin, so that with many calls the shares tell what lies between. Where all take the same time,
  // the upper quantiles are too long by about a step. O(bins) for each of some fifty halvings.
  double quantile_ns(double q) const;
  double mean_ns() const;

 private:
  double calls_below(double ns) const;
};

// Of one LogHistogram (engine/tick_histogram.h).
template <class Ticks>
LatencyHistogram in_ns(const Ticks& ticks, double ns_per_tick, double step_ns) {
  LatencyHistogram out;
  out.step_ns = step_ns;
  out.count = ticks.count;
  out.sum_ns = static_cast<double>(ticks.sum) * ns_per_tick;
  out.max_ns = static_cast<double>(ticks.max) * ns_per_tick;
  for (unsigned i = 0; i < Ticks::kBuckets; ++i) {
    if (ticks.buckets[i] == 0) continue;
    out.bins.push_back({static_cast<double>(Ticks::lower_bound(i)) * ns_per_tick,
                        static_cast<double>(Ticks::lower_bound(i + 1)) * ns_per_tick,
                        ticks.buckets[i]});
  }
  return out;
}

// The latencies of one operation over all the given runs. The clock's rate may differ in the last
// digits from run to run; ticks are converted at the first run's rate.
LatencyHistogram merge_latencies(const std::vector<RunOutcome>& runs, Op op);
LatencyHistogram latencies_of(const RunOutcome& run, Op op);

// The same from when each call was due until it was done. pre: the runs were paced.
LatencyHistogram merge_responses(const std::vector<RunOutcome>& runs, Op op);
LatencyHistogram responses_of(const RunOutcome& run, Op op);

}  // namespace replay
