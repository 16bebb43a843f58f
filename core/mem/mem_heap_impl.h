// The operations of MemHeap, for the one file that instantiates it.
#pragma once

#include <string.h>

#include <bit>

#include "core/base/bits.h"
#include "core/mem/mem_heap.h"
#include "core/mem/mem_heap_large_impl.h"
#include "core/os/report.h"

namespace mem {

// --- allocation ---------------------------------------------------------------------------------

template <AddressSpace Os>
void* MemHeap<Os>::allocate_slow(ThreadHeap& heap, std::size_t size) noexcept {
  if (size > kMaxMediumBytes) return allocate_large(heap, size, 0, false);
  if (size <= kMaxSmallBytes) {
    const auto bin = static_cast<unsigned>(size == 0 ? 1 : small_bin(size));
    if (heap.object_bytes[bin] != 0) return allocate_hot(heap, bin);
    return allocate_cold(heap, bin, bin * kStepBytes);
  }
  const unsigned bin = medium_bin(size);
  if (size <= heap.object_bytes[bin]) return allocate_hot(heap, bin);
  // Without slabs, a bin holds what was freed last, which may be smaller than what is asked for.
  FreeObject* object = heap.bins[bin]->free;
  if (object != nullptr && heap.object_bytes[bin] == 0 && usable_size(object) >= size) {
    heap.bins[bin]->free = object->next;
    return object;
  }
  return allocate_cold(heap, bin, align_up(size, kStepBytes));
}

template <AddressSpace Os>
FreeObject* MemHeap<Os>::allocate_hot(ThreadHeap& heap, unsigned bin) noexcept {
  FreeObject* object = heap.bins[bin]->free;
  if (object == nullptr) return slabs_.refill(heap, bin);
  heap.bins[bin]->free = object->next;
  return object;
}

// For a bin without slabs, or with slabs of a smaller size.
template <AddressSpace Os>
void* MemHeap<Os>::allocate_cold(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept {
  if (heap.loose[bin].free == nullptr) heap.forget_cached(bin);
  bool is_hot = heap.count_use(bin);
  is_hot |= heap.fit_live[bin] >= tuning::hot_live(bytes);
  if (!gets_slabs(heap, bin, bytes, is_hot)) return slabs_.allocate_fit(heap, bytes, 0);
  return slabs_.refill(heap, bin);
}

// Remembers what a bin is asked for that has no slabs of so large objects. One that is hot has some
// from now on.
template <AddressSpace Os>
bool MemHeap<Os>::gets_slabs(ThreadHeap& heap, unsigned bin, std::size_t bytes,
                             bool is_hot) noexcept {
  std::size_t object_bytes = bytes;
  if (bin >= kFirstMediumBin) {
    std::uint16_t& largest = heap.largest[bin - kFirstMediumBin];
    if (bytes > largest) largest = static_cast<std::uint16_t>(bytes);
    object_bytes = largest;
    if (is_hot) largest = 0;
  }
  if (!is_hot) return false;
  heap.cold_uses[bin] = 0;
  slabs_.set_object_bytes(heap, bin, object_bytes);
  return true;
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_aligned(ThreadHeap& heap, std::size_t size,
                                    std::size_t align) noexcept {
  if (align <= kStepBytes) return allocate(heap, size);
  if (size > PTRDIFF_MAX) return nullptr;
  if (align >= kPageBytes || size + align > kMaxMediumBytes)
    return allocate_large(heap, size, align, false);
  const std::size_t rounded = align_up(size == 0 ? 1 : size, align);
  if (rounded - size < kMaxAlignLoss) {
    if (void* p = allocate_aligned_slab(heap, rounded, align); p != nullptr) return p;
  }
  return slabs_.allocate_fit(heap, size, align);
}

// From the bin of that size: objects of a slab are at multiples of their size, so all of them are
// aligned if that is; of others some may be. nullptr = it has none at hand, and is not asked for
// often enough.
// pre: bytes is a multiple of align.
template <AddressSpace Os>
void* MemHeap<Os>::allocate_aligned_slab(ThreadHeap& heap, std::size_t bytes,
                                         std::size_t align) noexcept {
  const unsigned bin =
      bytes <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(bytes)) : medium_bin(bytes);
  const bool has_slabs = bytes <= heap.object_bytes[bin];
  FreeObject* object = heap.bins[bin]->free;
  if (object != nullptr && (has_slabs || bin < kFirstMediumBin)) {
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(object), align)) return nullptr;
    heap.bins[bin]->free = object->next;
    return object;
  }
  if (!has_slabs && !gets_slabs(heap, bin, bytes, heap.count_use(bin))) return nullptr;
  object = slabs_.refill(heap, bin);
  if (object == nullptr) return nullptr;
  if (is_aligned(reinterpret_cast<std::uintptr_t>(object), align)) return object;
  deallocate(heap, object);
  return nullptr;
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_zeroed(ThreadHeap& heap, std::size_t size) noexcept {
  if (size > kMaxMediumBytes) return allocate_large(heap, size, 0, true);
  heap.untouched = nullptr;
  void* p = allocate(heap, size);
  if (p != nullptr && p != heap.untouched) memset(p, 0, size);
  return p;
}

// --- deallocation -------------------------------------------------------------------------------

template <AddressSpace Os>
void MemHeap<Os>::deallocate_slow(ThreadHeap& heap, void* p) noexcept {
  if (p == nullptr) return;
  Span* span = span_of(p);
  if (span->is_owned()) {
    if (span->owner.load(std::memory_order_relaxed) == &heap) report_double_free(p);
    slabs_.free_remote(heap, span, static_cast<FreeObject*>(p));
    return;
  }
  free_large(heap, span, p);
}

template <AddressSpace Os>
void MemHeap<Os>::deallocate_remote(void* p) noexcept {
  if (p == nullptr) return;
  Span* span = span_of(p);
  if (span->is_owned()) {
    slabs_.free_remote_now(span, static_cast<FreeObject*>(p));
  } else {
    require_live_large(span, p);
    runs_.free(span, span->run_pages, span->run_pages);
  }
}

// --- reallocation -------------------------------------------------------------------------------

template <AddressSpace Os>
void* MemHeap<Os>::reallocate(ThreadHeap& heap, void* p, std::size_t size) noexcept {
  Span* span = span_of(p);
  if (span->is_owned()) return reallocate_owned(heap, span, p, size);
  return reallocate_large(heap, span, p, size);
}

template <AddressSpace Os>
void* MemHeap<Os>::reallocate_owned(ThreadHeap& heap, Span* span, void* p,
                                    std::size_t size) noexcept {
  if (span->is_owned_by(&heap)) {
    if (span->state() == SpanState::kFit) return reallocate_fit(heap, span, p, size);
    if (span->free == p) report_double_free(p);
  }
  const std::size_t usable = slabs_.object_size(span, p);
  return stays(size, usable) ? p : move_with_room(heap, p, usable, size);
}

// An object that is fitted gives a tail of more than an eighth back, or takes what is free behind
// it.
template <AddressSpace Os>
void* MemHeap<Os>::reallocate_fit(ThreadHeap& heap, Span* span, void* p,
                                  std::size_t size) noexcept {
  const auto object = slabs_.require_live(heap, span, p);
  const std::size_t usable = object.count * FitTable::kGranuleBytes;
  if (size <= usable && usable - size <= usable / 8) return p;
  if (size <= kMaxMediumBytes &&
      slabs_.resize_fit(heap, span, object, size, with_room(size, usable))) {
    return p;
  }
  return move_with_room(heap, p, usable, size);
}

template <AddressSpace Os>
void* MemHeap<Os>::move_with_room(ThreadHeap& heap, void* p, std::size_t usable,
                                  std::size_t size) noexcept {
  const std::size_t roomy = with_room(size, usable);
  void* moved = move(heap, p, usable, roomy);
  return moved != nullptr || roomy == size ? moved : move(heap, p, usable, size);
}

// All usable bytes move, for callers that ask usable_size() may have written to all of them.
template <AddressSpace Os>
void* MemHeap<Os>::move(ThreadHeap& heap, void* p, std::size_t usable, std::size_t size) noexcept {
  void* moved = allocate(heap, size);
  if (moved == nullptr) return size <= usable ? p : nullptr;
  memcpy(moved, p, size < usable ? size : usable);
  deallocate(heap, p);
  return moved;
}

// --- the rest -----------------------------------------------------------------------------------

template <AddressSpace Os>
std::size_t MemHeap<Os>::usable_size(const void* p) noexcept {
  if (p == nullptr) return 0;
  const Span* span = span_of(p);
  if (span->is_owned()) return slabs_.object_size(span, p);
  return span->run_pages * kPageBytes;
}

template <AddressSpace Os>
std::size_t MemHeap<Os>::purge(ThreadHeap& heap) noexcept {
  const std::size_t before = runs_.purged_pages();
  slabs_.release_empty(heap);
  slabs_.trim_holes(heap);
  slabs_.purge_orphans();
  runs_.purge();
  return (runs_.purged_pages() - before) * kPageBytes;
}

template <AddressSpace Os>
int MemHeap<Os>::check(ThreadHeap& heap) noexcept {
  if (const int broken = runs_.check(); broken != 0) return broken;
  return slabs_.check(heap);
}

// Objects count with their size: what was asked for is written down nowhere. Those in the bins of
// other threads, in their current slabs, and on their way to their owners, count as live.
template <AddressSpace Os>
__attribute__((no_sanitize("thread"))) MemStats MemHeap<Os>::detailed_stats(
    const ThreadHeap& heap) noexcept {
  MemStats stats;
  runs_.for_each_span([&](const Span& span) {
    const SpanState state = span.state();  // its owner may change it at any time
    if (state == SpanState::kFit) {
      FitStats& fits = stats.fits[span.fit->area];
      ++fits.spans;
      fits.live_objects += span.carved;
      fits.live_bytes += span.fit->used_granules() * FitTable::kGranuleBytes;
      fits.free_bytes += span.fit->free_granules() * FitTable::kGranuleBytes;
      fits.discarded_pages +=
          static_cast<std::uint64_t>(std::popcount(span.fit->discarded_pages()));
    } else if (is_owned(state)) {
      SlabStats& bin = stats.bins[span.bin];
      const bool is_others = state == SpanState::kCurrent && !span.is_owned_by(&heap);
      std::uint64_t live = is_others ? span.carved : SlabHeap<Os>::live_objects(span, state);
      if (live > span.carved) live = span.carved;
      ++bin.slabs;
      bin.live_objects += live;
      bin.live_bytes += live * span.object_bytes();
      bin.free_objects += span.carved - live;
      bin.free_bytes += (span.carved - live) * span.object_bytes();
      bin.uncarved_bytes += (std::uint64_t{span.capacity} - span.carved) * span.object_bytes();
    } else if (state == SpanState::kLarge) {
      ++stats.large_live;
      stats.large_live_bytes += span.requested_bytes;
    }
  });
  for (const FreeSource& loose : heap.loose) {
    for (const FreeObject* object = loose.free; object != nullptr; object = object->next) {
      const Span* span = runs_.map().find(object);
      const std::size_t bytes = slabs_.object_size(span, object);
      if (span->state() == SpanState::kFit) {
        FitStats& fits = stats.fits[span->fit->area];
        --fits.live_objects;
        fits.live_bytes -= bytes;
        fits.free_bytes += bytes;
      } else {
        SlabStats& bin = stats.bins[span->bin];
        --bin.live_objects;
        bin.live_bytes -= bytes;
        ++bin.free_objects;
        bin.free_bytes += bytes;
      }
    }
  }
  const RunHeapStats runs = runs_.stats();
  stats.large_pages = runs.large_pages;
  stats.used_pages = runs.used_pages;
  stats.dirty_pages = runs.dirty_pages;
  stats.clean_pages = runs.free_pages - runs.dirty_pages;
  stats.longest_free_pages = runs.longest_free;
  stats.metadata_pages = runs.metadata_pages;
  stats.purged_pages = runs.purged_pages;
  return stats;
}

template <AddressSpace Os>
HeapStats MemHeap<Os>::stats(const ThreadHeap& heap) noexcept {
  const MemStats all = detailed_stats(heap);
  HeapStats stats;
  stats.total_pages = held_pages(all);
  for (const SlabStats& bin : all.bins) {
    stats.total_allocated_bytes += bin.live_bytes;
    stats.live_blocks += bin.live_objects;
    stats.free_blocks += bin.free_objects;
  }
  for (const FitStats& fits : all.fits) {
    stats.total_allocated_bytes += fits.live_bytes;
    stats.live_blocks += fits.live_objects;
  }
  stats.total_allocated_bytes += all.large_live_bytes;
  stats.live_blocks += all.large_live;
  stats.page_size_bytes = kPageBytes;
  return stats;
}

template <AddressSpace Os>
Span* MemHeap<Os>::span_of(const void* p) const noexcept {
  Span* span = runs_.map().find(p);
  if (__builtin_expect(span == nullptr, 0)) diagnose(p);
  return span;
}

// What p is, if it leads to no span: the process ends anyway, so a walk costs nothing.
template <AddressSpace Os>
void MemHeap<Os>::diagnose(const void* p) const noexcept {
  const PageMap& map = runs_.map();
  std::size_t page = map.page_of(p);
  if (page >= map.pages()) report_foreign_pointer(p);
  if (runs_.is_free_page(page)) report_double_free(p);
  for (; page > 0; --page) {
    const Span* span = map.at(page);
    if (span == nullptr) continue;
    if (span->is_owned()) break;
    if (map.page_of(p) >= span->first_page + std::size_t{span->run_pages}) break;
    if (span->state() != SpanState::kLarge) report_double_free(p);
    report_interior_pointer(p, start_of(span));
  }
  report_foreign_pointer(p);
}

// Each of the heap's locks, in their order.
template <AddressSpace Os>
void MemHeap<Os>::lock_for_fork() noexcept {
  slabs_.registry_mutex().lock();
  runs_.purge_mutex().lock();
  runs_.mutex().lock();
}

template <AddressSpace Os>
void MemHeap<Os>::unlock_in_parent() noexcept {
  runs_.mutex().unlock();
  runs_.purge_mutex().unlock();
  slabs_.registry_mutex().unlock();
}

template <AddressSpace Os>
void MemHeap<Os>::unlock_in_child() noexcept {
  runs_.mutex().reset_after_fork();
  runs_.purge_mutex().reset_after_fork();
  slabs_.registry_mutex().reset_after_fork();
}

}  // namespace mem
