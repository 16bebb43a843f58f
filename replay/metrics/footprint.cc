// The most that an allocator held: resident pages of its own as sampled, the same by the kernel's
// high-water mark (which misses no spike, but counts pages of library code too), and address space.
#include <algorithm>

#include "replay/metrics/groups.h"
#include "replay/metrics/memory_series.h"

namespace replay {

void add_footprint(const Measured& measured, std::vector<Metric>& out) {
  Metric resident{"peak_resident_pages", "pages", Better::kLower, {}};
  Metric high_water{"high_water_pages", "pages", Better::kLower, {}};
  Metric mapped{"peak_mapped_pages", "pages", Better::kLower, {}};
  Metric at_end{"end_resident_pages", "pages", Better::kLower, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kMemory)) {
    const MemorySeries series = memory_series(measured.plan, run);
    resident.samples.push_back(static_cast<double>(series.total_pages[series.most_pages()]));
    high_water.samples.push_back(
        static_cast<double>(run.high_water_bytes / series.page_size_bytes));
    mapped.samples.push_back(static_cast<double>(
        *std::max_element(series.mapped_pages.begin(), series.mapped_pages.end())));
    at_end.samples.push_back(static_cast<double>(series.total_pages.back()));
  }
  for (Metric* metric : {&resident, &high_water, &mapped, &at_end}) {
    out.push_back(std::move(*metric));
  }
}

}  // namespace replay
