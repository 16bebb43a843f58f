// The operations of MemHeap on large blocks, for the one file that instantiates it.
#pragma once

#include <string.h>

#include <utility>

#include "core/base/bits.h"
#include "core/base/lock.h"
#include "core/mem/mem_heap.h"
#include "core/os/report.h"

namespace mem {

template <AddressSpace Os>
void* MemHeap<Os>::allocate_large(ThreadHeap& heap, std::size_t size, std::size_t align,
                                  bool zeroed) noexcept {
  if (size > PTRDIFF_MAX || align > PTRDIFF_MAX) return nullptr;
  const std::size_t pages = size == 0 ? 1 : pages_for(size);
  Span* span = align <= kPageBytes ? take_kept_run(heap, pages) : nullptr;
  if (span == nullptr) span = runs_.allocate(pages, align, SpanState::kLarge, false);
  if (span == nullptr && heap.kept_run != nullptr) {
    slabs_.give_back_kept_run(heap);
    span = runs_.allocate(pages, align, SpanState::kLarge, false);
  }
  if (span == nullptr) return nullptr;
  span->requested_bytes = size;
  void* p = start_of(span);
  if (zeroed && !span->is_fresh) memset(p, 0, size);
  return p;
}

// The large block that this thread freed last, if it has as many pages, or few more.
template <AddressSpace Os>
Span* MemHeap<Os>::take_kept_run(ThreadHeap& heap, std::size_t pages) noexcept {
  Span* span = heap.kept_run;
  if (span == nullptr || span->run_pages < pages || span->run_pages > tuning::most_pages(pages)) {
    return nullptr;
  }
  heap.kept_run = nullptr;
  span->set_state(SpanState::kLarge);
  return span;
}

// A process with one thread has no lock to wait for, and its last block waits in the run heap.
template <AddressSpace Os>
void MemHeap<Os>::free_large(ThreadHeap& heap, Span* span, const void* p) noexcept {
  require_live_large(span, p);
  if (!Mutex::is_alone() && span->run_pages <= tuning::kKeptRunPages) {
    span->is_fresh = false;
    span->set_state(SpanState::kKept);
    std::swap(heap.kept_run, span);
    if (span == nullptr) return;
  }
  runs_.free(span, span->run_pages, span->run_pages);
}

template <AddressSpace Os>
void* MemHeap<Os>::reallocate_large(ThreadHeap& heap, Span* span, void* p,
                                    std::size_t size) noexcept {
  require_live_large(span, p);
  if (size > PTRDIFF_MAX) return nullptr;
  const std::size_t old_pages = span->run_pages;
  const std::size_t pages = pages_for(size);
  if (size <= kMaxMediumBytes) {
    void* moved = move(heap, p, old_pages * kPageBytes, size);
    if (moved == p) span->requested_bytes = size;
    return moved;
  }
  if (pages < old_pages) runs_.shrink(span, pages);
  if (pages <= old_pages || runs_.grow(span, pages)) {
    span->requested_bytes = size;
    return p;
  }
  if (old_pages < kMovePages || moves_.load(std::memory_order_relaxed) >= kMaxMoves) {
    return move(heap, p, old_pages * kPageBytes, size);
  }
  void* moved = allocate_large(heap, size, 0, false);
  if (moved == nullptr) return nullptr;
  // Pages that are resident already are there to be copied to; fresh ones are not worth faulting
  // in.
  const bool is_fresh = span_of(moved)->is_fresh || old_pages > kCopyPages;
  if (is_fresh && runs_.os().move_pages(p, moved, old_pages * kPageBytes)) {
    moves_.fetch_add(1, std::memory_order_relaxed);
    span->is_fresh = true;  // what is left there reads as zero
    runs_.free(span, old_pages, 0);
  } else {
    memcpy(moved, p, old_pages * kPageBytes);
    runs_.free(span, old_pages, old_pages);
  }
  return moved;
}

template <AddressSpace Os>
void MemHeap<Os>::require_live_large(const Span* span, const void* p) const noexcept {
  if (span->state() != SpanState::kLarge) report_double_free(p);
  if (p != start_of(span)) report_interior_pointer(p, start_of(span));
}

}  // namespace mem
