// How SlabHeap gives back the pages that lie in holes. For the one file that instantiates it.
#pragma once

#include <bit>

#include "core/mem/slab_heap.h"

namespace mem {

// Looked at whenever a run of the heap goes back, for that is when memory is on its way out.
template <AddressSpace Os>
void SlabHeap<Os>::discard_holes_if_due(ThreadHeap& heap) noexcept {
  const std::size_t held = heap.owned_pages * FitTable::kGranulesPerPage;
  const std::size_t holes = heap.areas[0].free_granules + heap.areas[1].free_granules;
  if (holes < tuning::kMinDiscard || holes < held - holes) return;
  const std::size_t in_use = held - holes;
  const std::uint64_t now = runs_.os().now_ms();
  const bool is_time = now - heap.discarded_ms >= tuning::kPurgePeriodMs;
  const bool is_fallen = in_use < heap.in_use_at_discard / 2;
  if (!is_time && !is_fallen) return;
  heap.discarded_ms = now;
  heap.in_use_at_discard = in_use;
  give_back_kept(heap);
  discard_holes(heap);
}

// The tables of opened slabs stay, so only where all is to go back that can.
template <AddressSpace Os>
std::size_t SlabHeap<Os>::trim_holes(ThreadHeap& heap) noexcept {
  for (SpanList& list : heap.sparse) {
    while (list.first() != nullptr && open_listed(heap, list.first())) continue;
  }
  return discard_holes(heap);
}

template <AddressSpace Os>
std::size_t SlabHeap<Os>::discard_holes(ThreadHeap& heap) noexcept {
  std::size_t given = 0;
  for (FitArea& area : heap.areas) {
    area.lists.for_each([&](FitTable& table) {
      std::uint32_t pages = table.pages_to_discard();
      while (pages != 0) {
        const auto first = static_cast<unsigned>(std::countr_zero(pages));
        const auto count = static_cast<unsigned>(std::countr_one(pages >> first));
        const std::uint32_t run = ((std::uint32_t{1} << count) - 1) << first;
        pages &= ~run;
        if (!runs_.discard(table.span->first_page + first, count)) continue;
        table.note_discarded(run);
        given += count * kPageBytes;
      }
    });
  }
  return given;
}

}  // namespace mem
