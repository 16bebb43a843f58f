// The freed objects that wait in their bin, in its list `loose`, to be asked for again: fitted
// ones, and medium ones of full slabs. To the span that each came from it lives. For the one file
// that instantiates SlabHeap.
#pragma once

#include "core/mem/slab_heap.h"
#include "core/os/report.h"

namespace mem {

// pre: the object is of the bin's size, or was fitted and is larger.
template <AddressSpace Os>
[[gnu::always_inline]] inline void SlabHeap<Os>::wait(ThreadHeap& heap, unsigned bin,
                                                      FreeObject* object) noexcept {
  FreeSource& loose = heap.loose[bin];
  static_cast<WaitingObject*>(object)->count = waiting(heap, bin) + 1;
  object->next = loose.free;
  loose.free = object;
  if (heap.bins[bin]->free == nullptr) heap.bins[bin] = &loose;
}

// Whether a freed object of so many granules that was fitted is to wait in its bin. Of a bin with
// slabs only one at a time does, for each that waits keeps a span in use.
template <AddressSpace Os>
bool SlabHeap<Os>::is_wanted(const ThreadHeap& heap, unsigned bin, std::size_t granules) noexcept {
  if (granules * FitTable::kGranuleBytes < heap.object_bytes[bin]) return false;
  if (heap.object_bytes[bin] != 0 && heap.bins[bin]->free != nullptr) return false;
  const std::size_t most =
      tuning::kCacheGranules + heap.owned_pages * FitTable::kGranulesPerPage / tuning::kCacheShare;
  return heap.cached[bin] < granules * tuning::kCacheObjects &&
         heap.cached_granules + granules <= most;
}

// Lets the object that was just freed of a full slab wait in its bin, and the slab stay full; false
// = it may not. A slab of few objects would be full, available, sparse and empty by turns, with
// an event at nearly each free; of many small objects most are freed without one.
template <AddressSpace Os>
[[gnu::always_inline]] inline bool SlabHeap<Os>::let_wait(ThreadHeap& heap, Span* slab) noexcept {
  const unsigned bin = slab->bin;
  if (bin < kFirstMediumBin || slab->object_bytes() != heap.object_bytes[bin]) return false;
  FreeObject* object = slab->free;
  if (heap.loose[bin].free == object) report_double_free(object);
  if (waiting(heap, bin) >= tuning::loose_objects(heap.slab_counts[bin])) return false;
  slab->free = nullptr;
  slab->need = 1;
  wait(heap, bin, object);
  return true;
}

// Whether each object that waits says right how many do.
template <AddressSpace Os>
bool SlabHeap<Os>::are_counted(const ThreadHeap& heap, unsigned bin) noexcept {
  std::size_t left = waiting(heap, bin);
  for (const FreeObject* o = heap.loose[bin].free; o != nullptr; o = o->next, --left) {
    if (left == 0 || static_cast<const WaitingObject*>(o)->count != left) return false;
  }
  return left == 0;
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
