// The freed objects that wait in their bin, in its list `loose`, to be asked for again: fitted
// ones, and medium ones of full slabs. To the span that each came from it lives. For the one file
// that instantiates SlabHeap.
#pragma once

#include "core/mem/slab_heap.h"
#include "core/os/report.h"

namespace mem {

// Whether an object of so many granules more may wait in a bin.
template <AddressSpace Os>
bool SlabHeap<Os>::has_room(ThreadHeap& heap, unsigned bin, std::size_t granules) noexcept {
  const std::size_t most =
      tuning::kCacheGranules + heap.owned_pages * FitTable::kGranulesPerPage / tuning::kCacheShare;
  const auto is_left = [&] {
    return heap.cached[bin] < granules * tuning::kCacheObjects &&
           heap.cached_granules + granules <= most;
  };
  if (is_left()) return true;
  recount(heap, bin, granules);
  return is_left();
}

// Objects of so many granules that were taken out of a bin since it was empty wait no more.
template <AddressSpace Os>
void SlabHeap<Os>::recount(ThreadHeap& heap, unsigned bin, std::size_t granules) noexcept {
  std::size_t waiting = 0;
  const FreeObject* object = heap.loose[bin].free;
  for (; object != nullptr && waiting < heap.cached[bin]; object = object->next) {
    waiting += granules;
  }
  if (waiting >= heap.cached[bin]) return;
  heap.cached_granules -= heap.cached[bin] - waiting;
  heap.cached[bin] = static_cast<std::uint16_t>(waiting);
}

// pre: the object has so many granules, and there is room for it.
template <AddressSpace Os>
void SlabHeap<Os>::wait(ThreadHeap& heap, unsigned bin, FreeObject* object,
                        std::size_t granules) noexcept {
  FreeSource& loose = heap.loose[bin];
  if (loose.free == object) report_double_free(object);
  heap.cached[bin] = static_cast<std::uint16_t>(heap.cached[bin] + granules);
  heap.cached_granules += granules;
  object->next = loose.free;
  loose.free = object;
  if (heap.bins[bin]->free == nullptr) heap.bins[bin] = &loose;
}

// Whether a freed object of so many granules that was fitted is to wait in its bin. Of a bin with
// slabs only one at a time does, for each that waits keeps a span in use.
template <AddressSpace Os>
bool SlabHeap<Os>::is_wanted(ThreadHeap& heap, unsigned bin, std::size_t granules) noexcept {
  if (granules * FitTable::kGranuleBytes < heap.object_bytes[bin]) return false;
  if (heap.object_bytes[bin] != 0 && heap.bins[bin]->free != nullptr) return false;
  return has_room(heap, bin, granules);
}

// Lets the object that was just freed of a full slab wait in its bin, and the slab stay full; false
// = it may not. A slab of few objects would be full, available, sparse and empty by turns, with
// an event at nearly each free; of many small objects most are freed without one.
template <AddressSpace Os>
bool SlabHeap<Os>::let_wait(ThreadHeap& heap, Span* slab) noexcept {
  const unsigned bin = slab->bin;
  if (bin < kFirstMediumBin || slab->object_bytes() != heap.object_bytes[bin]) return false;
  FreeObject* object = slab->free;
  if (heap.loose[bin].free == object) report_double_free(object);
  const std::size_t granules = slab->object_units;
  if (!has_room(heap, bin, granules)) return false;
  slab->free = nullptr;
  slab->need = 1;
  wait(heap, bin, object, granules);
  return true;
}

// Ends the process if an object waits in its bin; as long as few do, they are looked through.
template <AddressSpace Os>
void SlabHeap<Os>::require_uncached(const ThreadHeap& heap, unsigned bin,
                                    const FreeObject* object) noexcept {
  if (heap.cached[bin] == 0 || heap.object_bytes[bin] != 0) return;
  for (const FreeObject* o = heap.loose[bin].free; o != nullptr; o = o->next) {
    if (o == object) report_double_free(object);
  }
}

}  // namespace mem
