// What a memory pass saw, in the words of the results: pages that the allocator holds, next to the
// bytes that the trace has live, at each checkpoint of the plan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay/engine/launcher.h"

namespace replay {

// What not every allocator or replay tells.
struct KnownBytes {
  std::vector<std::uint64_t> at;  // at each sample; empty if it is not known
  std::string why_absent;         // empty if it is known
};

struct MemorySeries {
  std::uint64_t page_size_bytes = 4096;
  std::vector<std::uint64_t> event;
  std::vector<std::uint64_t> total_allocated_bytes;
  std::vector<std::uint64_t> total_pages;       // resident anonymous pages above the worker's own
  std::vector<std::uint64_t> mapped_pages;      // address space above the worker's own
  std::vector<std::uint64_t> huge_page_bytes;   // of the resident ones, in huge pages
  std::vector<std::uint64_t> page_table_bytes;  // above the worker's own
  KnownBytes usable;      // of the live objects, as the allocator rounded them
  KnownBytes dirty_free;  // resident pages on which no live object has a byte

  // held / live - 1: what is held beyond the requested bytes, as a share of these; NaN where
  // nothing is live.
  double held_beyond_live(std::size_t held_at, std::size_t live_at) const;
  // The mean of that over the events, of moments when something is live; NaN if there is none.
  double mean_held_beyond_live() const;
  // 1 - total_allocated / (total_pages x page size) at sample i; NaN where no page is held.
  // Negative where objects have pages that were never touched.
  double fragmentation(std::size_t i) const;
  std::vector<std::uint64_t> bytes_of(const std::vector<std::uint64_t>& pages) const;
  std::size_t most_pages() const;  // index of the first sample with the most pages
};

MemorySeries memory_series(const Plan& plan, const RunOutcome& run);

}  // namespace replay
