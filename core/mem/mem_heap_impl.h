// The operations of MemHeap, for the one file that instantiates it.
#pragma once

#include <string.h>

#include "core/base/bits.h"
#include "core/mem/mem_heap.h"
#include "core/os/report.h"

namespace mem {
namespace detail {

constexpr std::size_t pages_for(std::size_t bytes) noexcept {
  return (bytes + kPageBytes - 1) / kPageBytes;
}

}  // namespace detail

// --- allocation ---------------------------------------------------------------------------------

template <AddressSpace Os>
void* MemHeap<Os>::allocate_slow(ThreadHeap& heap, std::size_t size) noexcept {
  if (size > kMaxMediumBytes) return allocate_large(size, 0, false);
  if (size > kMaxSmallBytes) return allocate_medium(heap, size);
  const std::size_t step = step_of(size);
  const unsigned bin = heap.step_bins[step];
  if (bin != step && heap.current[bin]->free == nullptr) count_step(heap, step);
  return slabs_.refill(heap, heap.step_bins[step]);
}

// A step that shares a bin and keeps having it carved gets the bin of its own number.
template <AddressSpace Os>
void MemHeap<Os>::count_step(ThreadHeap& heap, std::size_t step) noexcept {
  if constexpr (tuning::kExactUses == 0) return;
  if (step == 0) return;
  if (++heap.step_uses[step] >= tuning::kExactUses) {
    heap.step_bins[step] = static_cast<std::uint8_t>(step);
  }
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_medium(ThreadHeap& heap, std::size_t size) noexcept {
  const unsigned bin = medium_bin(size);
  if (size <= heap.object_bytes[bin]) {
    if (FreeObject* object = heap.bins[bin]; object != nullptr) {
      heap.bins[bin] = object->next;
      return object;
    }
    return slabs_.refill(heap, bin);
  }
  const unsigned i = bin - kFirstMediumBin;
  const std::size_t rounded = align_up(size, kStepBytes);
  if (rounded > heap.largest[i]) heap.largest[i] = static_cast<std::uint16_t>(rounded);
  if (tuning::kHotUses != 0 && ++heap.cold_uses[i] >= tuning::kHotUses) {
    heap.cold_uses[i] = 0;
    slabs_.set_object_bytes(heap, bin, heap.largest[i]);
    heap.largest[i] = 0;
    return slabs_.refill(heap, bin);
  }
  if (++heap.cold_total % tuning::kColdEpoch == 0) {
    for (std::uint8_t& uses : heap.cold_uses) uses /= 2;
  }
  return allocate_block(size, 0);
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_block(std::size_t size, std::size_t align) noexcept {
  const LockGuard guard(block_mutex_);
  if (!are_blocks_attached_) {
    blocks_.pages().attach(runs_);
    are_blocks_attached_ = true;
  }
  return blocks_.allocate(size, align);
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_large(std::size_t size, std::size_t align, bool zeroed) noexcept {
  if (size > PTRDIFF_MAX || align > PTRDIFF_MAX) return nullptr;
  const std::size_t pages = size == 0 ? 1 : detail::pages_for(size);
  Span* span = runs_.allocate(pages, align, SpanState::kLarge, false);
  if (span == nullptr) return nullptr;
  span->requested_bytes = size;
  void* p = start_of(span);
  if (zeroed && !span->is_fresh) memset(p, 0, size);
  return p;
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_aligned(ThreadHeap& heap, std::size_t size,
                                    std::size_t align) noexcept {
  if (align <= kStepBytes) return allocate(heap, size);
  if (size > PTRDIFF_MAX) return nullptr;
  // A multiple of the alignment is the size of its own bin or of one that is a multiple as well.
  const std::size_t rounded = align_up(size == 0 ? 1 : size, align);
  if (rounded <= kMaxSmallBytes) return allocate(heap, rounded);
  if (align < kPageBytes && size <= kMaxMediumBytes) return allocate_block(size, align);
  return allocate_large(size, align, false);
}

template <AddressSpace Os>
void* MemHeap<Os>::allocate_zeroed(ThreadHeap& heap, std::size_t size) noexcept {
  if (size > kMaxMediumBytes) return allocate_large(size, 0, true);
  void* p = allocate(heap, size);
  if (p != nullptr) memset(p, 0, size);
  return p;
}

// --- deallocation -------------------------------------------------------------------------------

template <AddressSpace Os>
void MemHeap<Os>::deallocate_slow(ThreadHeap& heap, void* p) noexcept {
  if (p == nullptr) return;
  Span* span = span_of(p);
  if (span->is_slab()) {
    if (span->owner.load(std::memory_order_relaxed) == &heap) report_double_free(p);
    slabs_.free_remote(heap, span, static_cast<FreeObject*>(p));
  } else {
    deallocate_remote(p);
  }
}

template <AddressSpace Os>
void MemHeap<Os>::deallocate_remote(void* p) noexcept {
  if (p == nullptr) return;
  Span* span = span_of(p);
  if (span->is_slab()) {
    slabs_.free_remote_now(span, static_cast<FreeObject*>(p));
  } else if (span->state == SpanState::kLarge) {
    deallocate_large(span, p);
  } else {
    const LockGuard guard(block_mutex_);
    blocks_.deallocate(p);
  }
}

template <AddressSpace Os>
void MemHeap<Os>::deallocate_large(Span* span, void* p) noexcept {
  if (p != start_of(span)) report_interior_pointer(p, start_of(span));
  runs_.free(span, span->run_pages, span->run_pages);
}

// --- reallocation -------------------------------------------------------------------------------

template <AddressSpace Os>
void* MemHeap<Os>::reallocate(ThreadHeap& heap, void* p, std::size_t size) noexcept {
  Span* span = span_of(p);
  if (span->state == SpanState::kLarge) return reallocate_large(heap, span, p, size);
  if (!span->is_slab()) return reallocate_block(heap, p, size);
  const std::size_t usable = span->object_bytes();
  if (size <= usable && size > usable / 2) return p;
  if (size <= usable && usable <= 2 * kStepBytes) return p;
  return move(heap, p, usable, size);
}

template <AddressSpace Os>
void* MemHeap<Os>::reallocate_block(ThreadHeap& heap, void* p, std::size_t size) noexcept {
  std::size_t usable = 0;
  {
    const LockGuard guard(block_mutex_);
    usable = blocks_.usable_size(p);
    if (size > kMaxSmallBytes && size <= kMaxMediumBytes) {
      if (void* resized = blocks_.resize(p, size); resized != nullptr) return resized;
    }
  }
  return move(heap, p, usable, size);
}

template <AddressSpace Os>
void* MemHeap<Os>::reallocate_large(ThreadHeap& heap, Span* span, void* p,
                                    std::size_t size) noexcept {
  if (p != start_of(span)) report_interior_pointer(p, start_of(span));
  if (size > PTRDIFF_MAX) return nullptr;
  const std::size_t old_pages = span->run_pages;
  const std::size_t pages = detail::pages_for(size);
  if (size <= kMaxMediumBytes) return move(heap, p, old_pages * kPageBytes, size);
  if (pages < old_pages) runs_.shrink(span, pages);
  if (pages <= old_pages || runs_.grow(span, pages)) {
    span->requested_bytes = size;
    return p;
  }
  if (old_pages < kMovePages || moves_.load(std::memory_order_relaxed) >= kMaxMoves) {
    return move(heap, p, old_pages * kPageBytes, size);
  }
  void* moved = allocate_large(size, 0, false);
  if (moved == nullptr) return nullptr;
  if (runs_.os().move_pages(p, moved, old_pages * kPageBytes)) {
    moves_.fetch_add(1, std::memory_order_relaxed);
    span->is_fresh = true;  // what is left there reads as zero
    runs_.free(span, old_pages, 0);
  } else {
    memcpy(moved, p, old_pages * kPageBytes);
    runs_.free(span, old_pages, old_pages);
  }
  return moved;
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
  if (span->is_slab()) return span->object_bytes();
  if (span->state == SpanState::kLarge) return span->run_pages * kPageBytes;
  const LockGuard guard(block_mutex_);
  return blocks_.usable_size(p);
}

template <AddressSpace Os>
std::size_t MemHeap<Os>::purge(ThreadHeap& heap) noexcept {
  slabs_.release_empty(heap);
  std::size_t given = 0;
  {
    const LockGuard guard(block_mutex_);
    if (are_blocks_attached_) given = blocks_.purge();
  }
  return given + runs_.purge();
}

template <AddressSpace Os>
int MemHeap<Os>::check(ThreadHeap& heap) noexcept {
  {
    const LockGuard guard(block_mutex_);
    if (const int broken = blocks_.check(); broken != 0) return broken;
  }
  if (const int broken = runs_.check(); broken != 0) return broken;
  return slabs_.check(heap);
}

// Slab objects count with their size: what was asked for is written down nowhere.
template <AddressSpace Os>
[[gnu::no_sanitize("thread")]] HeapStats MemHeap<Os>::stats() noexcept {
  HeapStats stats;
  {
    const LockGuard guard(block_mutex_);
    stats = blocks_.stats();
  }
  runs_.for_each_span([&](const Span& span) {
    if (span.is_slab()) {
      const std::size_t live = SlabHeap<Os>::live_objects(span);
      stats.live_blocks += live;
      stats.free_blocks += span.carved - live;
      stats.total_allocated_bytes += live * span.object_bytes();
    } else if (span.state == SpanState::kLarge) {
      ++stats.live_blocks;
      stats.total_allocated_bytes += span.requested_bytes;
    }
  });
  const RunHeapStats runs = runs_.stats();
  stats.total_pages = runs.used_pages + runs.dirty_pages + runs.metadata_pages;
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
    if (span->state != SpanState::kLarge) break;
    if (map.page_of(p) < span->first_page + std::size_t{span->run_pages}) {
      report_interior_pointer(p, start_of(span));
    }
    break;
  }
  report_foreign_pointer(p);
}

// Each of the heap's locks, in their order.
template <AddressSpace Os>
void MemHeap<Os>::lock_for_fork() noexcept {
  slabs_.registry_mutex().lock();
  block_mutex_.lock();
  runs_.mutex().lock();
}

template <AddressSpace Os>
void MemHeap<Os>::unlock_in_parent() noexcept {
  runs_.mutex().unlock();
  block_mutex_.unlock();
  slabs_.registry_mutex().unlock();
}

template <AddressSpace Os>
void MemHeap<Os>::unlock_in_child() noexcept {
  runs_.mutex().reset_after_fork();
  block_mutex_.reset_after_fork();
  slabs_.registry_mutex().reset_after_fork();
}

}  // namespace mem
