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

  // The latency below which the share q (0 to 1) of the calls stayed, interpolated within its bin
  // and never above the maximum; NaN without calls.
  double quantile_ns(double q) const;
  double mean_ns() const;
};

// The latencies of one operation over all the given runs. The clock's rate may differ in the last
// digits from run to run; ticks are converted at the first run's rate.
LatencyHistogram merge_latencies(const std::vector<RunOutcome>& runs, Op op);
LatencyHistogram latencies_of(const RunOutcome& run, Op op);

// The same from when each call was due until it was done. pre: the runs were paced.
LatencyHistogram merge_responses(const std::vector<RunOutcome>& runs, Op op);
LatencyHistogram responses_of(const RunOutcome& run, Op op);

}  // namespace replay
