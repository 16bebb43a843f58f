// total_allocated against total_pages at the two moments that matter: when the program has the
// most bytes live, and when the allocator holds the most pages. And by the four definitions of
// Johnstone and Wilson ("The memory fragmentation problem: solved?", 1998): what is held beyond the
// live bytes as a share of these, on average, at both moments, and peak against peak.
#include "replay/metrics/groups.h"
#include "replay/metrics/memory_series.h"

namespace replay {

void add_fragmentation(const Measured& measured, std::vector<Metric>& out) {
  Metric at_live{"fragmentation_at_peak_live", kShare, Better::kLower, {}};
  Metric at_pages{"fragmentation_at_peak_pages", kShare, Better::kLower, {}};
  Metric live{"total_allocated_at_peak_live_bytes", "B", Better::kNone, {}};
  Metric live_pages{"total_pages_at_peak_live", "pages", Better::kLower, {}};
  Metric allocated{"total_allocated_at_peak_pages_bytes", "B", Better::kNone, {}};
  Metric peak_pages{"total_pages_at_peak_pages", "pages", Better::kLower, {}};
  Metric mean{"fragmentation_jw_mean", kBeyondLive, Better::kLower, {}};
  Metric most_live{"fragmentation_jw_at_most_live", kBeyondLive, Better::kLower, {}};
  Metric most_held{"fragmentation_jw_at_most_held", kBeyondLive, Better::kLower, {}};
  Metric peaks{"fragmentation_jw_peaks", kBeyondLive, Better::kLower, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kMemory)) {
    const MemorySeries series = memory_series(measured.plan, run);
    const std::size_t at_peak_live = measured.plan.peak_live;
    const std::size_t at_peak_pages = series.most_pages();
    at_live.samples.push_back(series.fragmentation(at_peak_live));
    live.samples.push_back(static_cast<double>(series.total_allocated_bytes[at_peak_live]));
    live_pages.samples.push_back(static_cast<double>(series.total_pages[at_peak_live]));
    at_pages.samples.push_back(series.fragmentation(at_peak_pages));
    allocated.samples.push_back(static_cast<double>(series.total_allocated_bytes[at_peak_pages]));
    peak_pages.samples.push_back(static_cast<double>(series.total_pages[at_peak_pages]));
    mean.samples.push_back(series.mean_held_beyond_live());
    most_live.samples.push_back(series.held_beyond_live(at_peak_live, at_peak_live));
    most_held.samples.push_back(series.held_beyond_live(at_peak_pages, at_peak_pages));
    peaks.samples.push_back(series.held_beyond_live(at_peak_pages, at_peak_live));
  }
  for (Metric* metric : {&at_live, &live, &live_pages, &at_pages, &allocated, &peak_pages, &mean,
                         &most_live, &most_held, &peaks}) {
    out.push_back(std::move(*metric));
  }
}

}  // namespace replay
