#include "replay/metrics/memory_series.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

namespace replay {

double MemorySeries::fragmentation(std::size_t i) const {
  const double held = static_cast<double>(total_pages[i]) * static_cast<double>(page_size_bytes);
  return held == 0 ? std::numeric_limits<double>::quiet_NaN()
                   : 1.0 - static_cast<double>(total_allocated_bytes[i]) / held;
}

std::size_t MemorySeries::most_pages() const {
  return static_cast<std::size_t>(std::max_element(total_pages.begin(), total_pages.end()) -
                                  total_pages.begin());
}

MemorySeries memory_series(const Plan& plan, const RunOutcome& run) {
  MemorySeries series;
  series.page_size_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  auto pages_above = [&](std::uint64_t bytes, std::uint64_t base) {
    return bytes > base ? (bytes - base) / series.page_size_bytes : 0;
  };
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const MemorySample& sample = run.samples[i];
    series.event.push_back(plan.checkpoints[i].event);
    series.total_allocated_bytes.push_back(plan.checkpoints[i].live_bytes);
    series.total_pages.push_back(pages_above(sample.anonymous_bytes, run.baseline.anonymous_bytes));
    series.mapped_pages.push_back(pages_above(sample.mapped_bytes, run.baseline.mapped_bytes));
  }
  return series;
}

}  // namespace replay
