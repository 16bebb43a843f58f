// What a memory pass saw, in the words of the results: pages that the allocator holds, next to the
// bytes that the trace has live, at each checkpoint of the plan.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/engine/launcher.h"

namespace replay {

struct MemorySeries {
  std::uint64_t page_size_bytes = 4096;
  std::vector<std::uint64_t> event;
  std::vector<std::uint64_t> total_allocated_bytes;
  std::vector<std::uint64_t> total_pages;   // resident anonymous pages above the worker's own
  std::vector<std::uint64_t> mapped_pages;  // address space above the worker's own

  // 1 - total_allocated / (total_pages x page size) at sample i; NaN where no page is held.
  // Negative where objects have pages that were never touched.
  double fragmentation(std::size_t i) const;
  std::size_t most_pages() const;  // index of the first sample with the most pages
};

MemorySeries memory_series(const Plan& plan, const RunOutcome& run);

}  // namespace replay
