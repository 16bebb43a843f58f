// BlockHeap::check(): walks the physical and the logical list and asserts each invariant that
// block_heap.h numbers, answering the number of the first one that does not hold, else 0.
//
// A walk trusts nothing that it has not checked, so a corrupted heap ends it with a number and not
// with a fault. O(blocks).
#pragma once

#include "core/base/bits.h"
#include "core/mem/block_heap.h"

namespace mem {

// What a walk over the physical list counts.
template <class Config, PageSource Pages>
struct BlockHeap<Config, Pages>::Census {
  std::size_t live_blocks = 0;
  std::size_t free_blocks = 0;
  std::size_t free_bytes = 0;
  std::size_t requested_bytes = 0;
  std::size_t region_pages = 0;
  std::size_t empty_regions = 0;
};

template <class Config, PageSource Pages>
int BlockHeap<Config, Pages>::check() noexcept {
  if (const int broken = check_regions(); broken != 0) return broken;
  Census census;
  for (std::size_t i = 0; i < regions_.count(); ++i) {
    if (const int broken = check_blocks(regions_.at(i), census); broken != 0) return broken;
  }
  if (const int broken = check_list(census); broken != 0) return broken;
  if (census.live_blocks != live_blocks_ || census.free_blocks != free_blocks_ ||
      census.requested_bytes != requested_bytes_) {
    return 9;
  }
  if (census.region_pages != region_pages_) return 10;
  if (census.empty_regions > (spare_ != nullptr ? 1 : 0) + refused_unmaps_) return 13;
  return 0;
}

template <class Config, PageSource Pages>
int BlockHeap<Config, Pages>::check_regions() noexcept {
  for (std::size_t i = 0; i < regions_.count(); ++i) {
    const RegionTable::Row& row = regions_.row(i);
    if (i > 0 && regions_.row(i - 1).end > row.base) return 1;
    const Region* region = regions_.at(i);
    if (!region->is_intact() || row.end != region->base() + region->bytes()) return 1;
  }
  if (spare_ != nullptr && regions_.find(spare_->base()) != spare_) return 13;
  return 0;
}

template <class Config, PageSource Pages>
int BlockHeap<Config, Pages>::check_blocks(const Region* region, Census& census) noexcept {
  const Block* const sentinel = region->sentinel();
  const Block* prev = nullptr;
  const Block* b = region->first();
  bool is_empty = true;
  for (; b < sentinel; prev = b, b = b->next()) {
    if (!b->is_intact()) return 2;
    const std::size_t size = b->size();
    if (size < Block::kMinBytes || !is_aligned(size, kAlign)) return 3;
    if (size > sentinel->address() - b->address()) return 3;
    if (b->prev_size() != (prev == nullptr ? 0 : prev->size())) return 4;
    if (prev != nullptr && !prev->is_used() && !b->is_used()) return 5;
    if (b->is_last() != (b->next() == sentinel)) return 11;
    if (b->is_used() && b->is_purged()) return 11;
    if (b->is_used()) {
      is_empty = false;
      ++census.live_blocks;
      census.requested_bytes += b->requested();
    } else {
      ++census.free_blocks;
      census.free_bytes += size;
    }
  }
  if (b != sentinel) return 3;
  if (!sentinel->is_intact() || !sentinel->is_used() || sentinel->size() != 0) return 2;
  if (sentinel->prev_size() != prev->size()) return 4;
  if (region->touched_end() > sentinel->address()) return 12;
  if (region->touched_end() < prev->address() + Block::kMinBytes) return 12;
  if (prev->is_used() && region->touched_end() != sentinel->address()) return 12;
  census.region_pages += region->bytes() / kPageBytes;
  if (is_empty) ++census.empty_regions;
  return 0;
}

template <class Config, PageSource Pages>
int BlockHeap<Config, Pages>::check_list(const Census& census) noexcept {
  std::size_t listed = 0;
  std::size_t listed_bytes = 0;
  int broken = 0;
  free_.for_each([&](const Block* b) {
    const Region* region = regions_.find(b->address());
    if (region == nullptr || b < region->first() || b >= region->sentinel() || !b->is_intact() ||
        b->is_used()) {
      broken = 6;
      return false;
    }
    const Block* next = b->next_free();
    if (next != nullptr) {
      const bool is_ours = regions_.find(reinterpret_cast<std::uintptr_t>(next)) != nullptr;
      if (!is_ours || next->prev_free() != b) broken = 6;
    }
    if (!free_.is_in_place(b)) broken = 8;
    listed_bytes += b->size();
    if (++listed > census.free_blocks) broken = 7;
    return broken == 0;
  });
  if (broken != 0) return broken;
  if (listed != census.free_blocks || listed_bytes != census.free_bytes) return 7;
  return free_.is_consistent() ? 0 : 8;
}

}  // namespace mem
