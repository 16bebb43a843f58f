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

double MemorySeries::held_beyond_live(std::size_t held_at, std::size_t live_at) const {
  const double held =
      static_cast<double>(total_pages[held_at]) * static_cast<double>(page_size_bytes);
  const auto live = static_cast<double>(total_allocated_bytes[live_at]);
  return live == 0 ? std::numeric_limits<double>::quiet_NaN() : held / live - 1;
}

double MemorySeries::mean_held_beyond_live() const {
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 0; i < event.size(); ++i) {
    if (total_allocated_bytes[i] == 0) continue;
    // A sample stands for the events that are nearer to it than to its neighbours.
    const std::uint64_t from = event[i == 0 ? 0 : i - 1];
    const std::uint64_t to = event[i + 1 == event.size() ? i : i + 1];
    const double weight = static_cast<double>(to - from) / 2;
    sum += weight * held_beyond_live(i, i);
    weights += weight;
  }
  return weights == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / weights;
}

std::size_t MemorySeries::most_pages() const {
  return static_cast<std::size_t>(std::max_element(total_pages.begin(), total_pages.end()) -
                                  total_pages.begin());
}

std::vector<std::uint64_t> MemorySeries::bytes_of(const std::vector<std::uint64_t>& pages) const {
  std::vector<std::uint64_t> bytes;
  for (const std::uint64_t count : pages) bytes.push_back(count * page_size_bytes);
  return bytes;
}

MemorySeries memory_series(const Plan& plan, const RunOutcome& run) {
  MemorySeries series;
  series.page_size_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  auto above = [](std::uint64_t amount, std::uint64_t base) {
    return amount > base ? amount - base : 0;
  };
  auto pages_above = [&](std::uint64_t bytes, std::uint64_t base) {
    return above(bytes, base) / series.page_size_bytes;
  };
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const MemorySample& sample = run.samples[i];
    series.event.push_back(plan.checkpoints[i].event);
    series.total_allocated_bytes.push_back(plan.checkpoints[i].live_bytes);
    series.total_pages.push_back(pages_above(sample.anonymous_bytes, run.baseline.anonymous_bytes));
    series.mapped_pages.push_back(pages_above(sample.mapped_bytes, run.baseline.mapped_bytes));
    series.huge_page_bytes.push_back(above(sample.huge_page_bytes, run.baseline.huge_page_bytes));
    series.page_table_bytes.push_back(
        above(sample.page_table_bytes, run.baseline.page_table_bytes));
    if (run.usable_known) series.usable.at.push_back(sample.usable_bytes);
    if (run.occupied_known) {
      series.dirty_free.at.push_back(above(series.total_pages.back(), sample.occupied_pages) *
                                     series.page_size_bytes);
    }
  }
  if (!run.usable_known) series.usable.why_absent = "the allocator does not tell usable sizes";
  if (!run.occupied_known) {
    series.dirty_free.why_absent =
        "it is not known which pages of live objects are resident (needs --touch page or all)";
  }
  return series;
}

}  // namespace replay
