// How many objects and pages a slab has. Pure functions.
#pragma once

#include <cstddef>

#include "core/base/bits.h"
#include "core/mem/tuning.h"

namespace mem {

struct SlabLayout {
  std::size_t pages;
  std::size_t capacity;
};

constexpr std::size_t slab_pages(std::size_t capacity, std::size_t object_bytes) noexcept {
  return (capacity * object_bytes + kPageBytes - 1) / kPageBytes;
}

// For a heap that has `slabs` of the bin already: twice the size with each, from the least number
// of pages on that leave at most a 64th unused, else the number that leaves the smallest share.
// post: pages is the least that hold the capacity. O(pages).
constexpr SlabLayout slab_layout(std::size_t object_bytes, unsigned slabs) noexcept {
  std::size_t bytes = tuning::kFirstSlabBytes;
  for (; slabs > 0 && bytes < tuning::kMaxSlabBytes; --slabs) bytes *= 2;
  if (bytes < 2 * object_bytes) bytes = 2 * object_bytes;
  SlabLayout best{0, 0};
  std::size_t best_waste = 0;
  for (std::size_t pages = (bytes + kPageBytes - 1) / kPageBytes; pages <= tuning::kMaxSlabPages;
       ++pages) {
    const std::size_t capacity = pages * kPageBytes / object_bytes;
    const std::size_t waste = pages * kPageBytes - capacity * object_bytes;
    if (best.pages == 0 || waste * best.pages < best_waste * pages) {
      best = {slab_pages(capacity, object_bytes), capacity};
      best_waste = waste;
    }
    if (waste * 64 <= pages * kPageBytes) break;
  }
  return best;
}

static_assert(slab_layout(16, 0).capacity == tuning::kFirstSlabBytes / 16);
static_assert(slab_layout(32768, 9).capacity >= 2);

}  // namespace mem
