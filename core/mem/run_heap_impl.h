// The operations of RunHeap, for the one file that instantiates it.
#pragma once

#include "core/base/bits.h"
#include "core/mem/run_heap.h"
#include "core/mem/run_heap_purge_impl.h"
#include "core/mem/run_heap_window_impl.h"
#include "core/mem/tuning.h"

namespace mem {

template <AddressSpace Os>
std::size_t RunHeap<Os>::find_aligned(std::size_t pages, std::size_t align) const noexcept {
  if (align <= kPageBytes) return index_.find(pages);
  const std::size_t found = index_.find(pages + align / kPageBytes - 1);
  if (found == RunIndex::kNone) return found;
  return found + (align_up(map_.address_of(found), align) - map_.address_of(found)) / kPageBytes;
}

// Takes a run out of the index, committed; kNone = no memory.
template <AddressSpace Os>
std::size_t RunHeap<Os>::take(std::size_t pages, std::size_t align, bool dense) noexcept {
  std::size_t first = find_aligned(pages, align);
  if (waiting_.pages() != 0 && (first == RunIndex::kNone || !are_dirty(first, pages))) {
    join_waiting();
    first = find_aligned(pages, align);
  }
  if (first == RunIndex::kNone) {
    const std::size_t more = align <= kPageBytes ? pages : pages + align / kPageBytes - 1;
    if (!add_region(more)) return RunIndex::kNone;
    first = find_aligned(pages, align);
  }
  if (!commit(first, pages, dense)) return RunIndex::kNone;
  index_.set(first, pages, false);
  set_used(used_pages() + pages);
  return first;
}

template <AddressSpace Os>
Span* RunHeap<Os>::allocate(std::size_t pages, std::size_t align, SpanState state,
                            bool whole) noexcept {
  const LockGuard guard(mutex_);
  if (align <= kPageBytes) {
    if (Span* waiting = take_waiting(pages, state, whole); waiting != nullptr) return waiting;
  }
  return allocate_new(pages, align, state, whole);
}

template <AddressSpace Os>
[[gnu::noinline]] Span* RunHeap<Os>::allocate_new(std::size_t pages, std::size_t align,
                                                  SpanState state, bool whole) noexcept {
  if (!init() || pages > map_.pages() || align / kPageBytes > map_.pages()) return nullptr;
  Span* span = spans_.take(os_);
  if (span == nullptr) {
    join_waiting();  // which have spans
    span = spans_.take(os_);
  }
  if (span == nullptr && shrink_window()) span = spans_.take(os_);
  if (span == nullptr) return nullptr;
  const std::size_t first = take(pages, align, whole);
  if (first == RunIndex::kNone) {
    spans_.give(span);
    return nullptr;
  }
  new (span) Span;
  span->first_page = static_cast<std::uint32_t>(first);
  span->run_pages = static_cast<std::uint32_t>(pages);
  span->is_fresh = clear_dirty(first, pages) == 0;
  span->set_state(state);
  map_.set(first, whole ? pages : 1, span);
  return span;
}

template <AddressSpace Os>
void RunHeap<Os>::put_back(std::size_t first, std::size_t pages, std::size_t touched) noexcept {
  set_dirty(first, touched);
  index_.set(first, pages, true);
}

template <AddressSpace Os>
[[gnu::always_inline]] inline Span* RunHeap<Os>::take_waiting(std::size_t pages, SpanState state,
                                                              bool whole) noexcept {
  Span* span = waiting_.take(pages, whole ? pages : tuning::most_pages(pages));
  if (span == nullptr) return nullptr;
  span->set_state(state);
  set_used(used_pages() + span->run_pages);
  if (whole) map_.set(span->first_page + std::size_t{1}, pages - 1, span);
  return span;
}

// pre: it counts as in use no more.
template <AddressSpace Os>
[[gnu::always_inline]] inline void RunHeap<Os>::wait(Span* span) noexcept {
  if (waiting_.pages() != 0 &&
      waiting_.pages() + span->run_pages > tuning::waiting_pages(used_pages())) {
    join_waiting();
  }
  span->is_fresh = false;
  span->set_state(SpanState::kWaiting);
  waiting_.put(span);
}

// Leaves of a slab or a fit span the run: as that of a large block only its first page leads to it.
template <AddressSpace Os>
void RunHeap<Os>::forget_slab(Span* span, std::size_t pages) noexcept {
  const std::uint32_t first = span->first_page;
  map_.set(first + std::size_t{1}, pages - 1, nullptr);
  new (span) Span;
  span->first_page = first;
  span->run_pages = static_cast<std::uint32_t>(pages);
}

// Ends the waiting of a run that is in no list any more.
template <AddressSpace Os>
void RunHeap<Os>::join(Span* span) noexcept {
  map_.set(span->first_page, 1, nullptr);
  put_back(span->first_page, span->run_pages, span->run_pages);
  spans_.give(span);
}

template <AddressSpace Os>
void RunHeap<Os>::join_waiting() noexcept {
  while (Span* span = waiting_.take_any()) join(span);
}

// Whether a run that waited starts at `first`; it is joined.
template <AddressSpace Os>
bool RunHeap<Os>::join_behind(std::size_t first) noexcept {
  Span* span = map_.at(first);
  if (span == nullptr || span->state() != SpanState::kWaiting) return false;
  waiting_.remove(span);
  join(span);
  return true;
}

template <AddressSpace Os>
void RunHeap<Os>::free(Span* span, std::size_t pages, std::size_t touched) noexcept {
  std::size_t target = kAll;
  {
    const LockGuard guard(mutex_);
    const bool is_large = !span->is_owned();
    if (!span->is_fresh) touched = pages;
    set_used(used_pages() - pages);
    if (touched == pages && tuning::kWaitingShare != 0) {
      if (!is_large) forget_slab(span, pages);
      wait(span);
    } else {
      map_.set(span->first_page, is_large ? 1 : pages, nullptr);
      put_back(span->first_page, pages, touched);
      spans_.give(span);
    }
    target = purge_target();
  }
  if (target != kAll) purge_from(target);
}

template <AddressSpace Os>
bool RunHeap<Os>::grow(Span* span, std::size_t pages) noexcept {
  const LockGuard guard(mutex_);
  const std::size_t old = span->run_pages;
  const std::size_t first = span->first_page + old;
  const std::size_t more = pages - old;
  if (first >= frontier_) return false;
  while (!index_.are_free(first, more)) {
    const std::size_t behind = first + index_.free_from(first, more);
    if (behind >= frontier_ || !join_behind(behind)) return false;
  }
  if (!commit(first, more, false)) return false;
  index_.set(first, more, false);
  set_used(used_pages() + more);
  if (clear_dirty(first, more) != 0) span->is_fresh = false;
  span->run_pages = static_cast<std::uint32_t>(pages);
  return true;
}

template <AddressSpace Os>
void RunHeap<Os>::shrink(Span* span, std::size_t pages) noexcept {
  std::size_t target = kAll;
  {
    const LockGuard guard(mutex_);
    const std::size_t less = span->run_pages - pages;
    put_back(span->first_page + pages, less, less);
    set_used(used_pages() - less);
    span->run_pages = static_cast<std::uint32_t>(pages);
    target = purge_target();
  }
  if (target != kAll) purge_from(target);
}

template <AddressSpace Os>
void RunHeap<Os>::populate(std::size_t first, std::size_t pages) noexcept {
  {
    const LockGuard guard(mutex_);
    const std::uint32_t huge = slots_[first / kSlotPages].huge;
    if ((huge >> (first % kSlotPages / kHugePages) & 1) != 0) return;
  }
  os_.populate(reinterpret_cast<void*>(map_.address_of(first)), pages * kPageBytes);
}

template <AddressSpace Os>
void* RunHeap<Os>::allocate_metadata(std::size_t bytes) noexcept {
  const LockGuard guard(mutex_);
  const std::size_t rounded = align_up(bytes, kPageBytes);
  void* p = os_.map(rounded, 0, 0);
  if (p == nullptr && shrink_window()) p = os_.map(rounded, 0, 0);
  if (p != nullptr) metadata_bytes_ += rounded;
  return p;
}

// pre: the state is one of runs that are no thread heap's.
template <AddressSpace Os>
std::size_t RunHeap<Os>::pages_of(SpanState state) noexcept {
  std::size_t pages = 0;
  spans_.for_each([&](const Span& span) {
    if (span.state() == state) pages += span.run_pages;
  });
  return pages;
}

// --- the rest -----------------------------------------------------------------------------------

template <AddressSpace Os>
RunHeapStats RunHeap<Os>::stats() noexcept {
  const LockGuard guard(mutex_);
  RunHeapStats stats;
  if (map_.pages() == 0) return stats;
  stats.used_pages = used_pages();
  stats.large_pages = pages_of(SpanState::kLarge);
  stats.free_pages = index_.free_pages() + waiting_.pages();
  stats.dirty_pages = dirty_pages_ + waiting_.pages();
  const std::size_t tables = reserved_pages_ * (sizeof(Span*) + 1);
  stats.metadata_pages = (metadata_bytes_ + spans_.bytes_used() + tables) / kPageBytes;
  stats.longest_free = index_.longest();
  stats.purged_pages = purged_pages_;
  return stats;
}

template <AddressSpace Os>
int RunHeap<Os>::check() noexcept {
  const LockGuard guard(mutex_);
  if (map_.pages() == 0) return 0;
  if (const int broken = index_.check(frontier_); broken != 0) return broken;
  if (used_pages() + index_.free_pages() + waiting_.pages() != reserved_pages_) return 111;
  std::size_t dirty = 0;
  for (std::size_t page = 0; page < frontier_; ++page) {
    const Slot& slot = slots_[page / kSlotPages];
    const bool is_free = index_.is_free(page);
    if (is_dirty(page)) {
      ++dirty;
      if (!is_free) return 112;
    }
    const Span* span = slot.reserved > page % kSlotPages ? map_.at(page) : nullptr;
    if (is_free && span != nullptr) return 113;
    const bool is_committed = slot.committed > page % kSlotPages;
    if (slot.committed > slot.reserved || (!is_committed && (span != nullptr || is_dirty(page)))) {
      return 114;
    }
    const bool is_huge = (slot.huge >> (page % kSlotPages / kHugePages) & 1) != 0;
    if (is_huge && !is_committed) return 116;
  }
  if (dirty != dirty_pages_) return 112;
  return pages_of(SpanState::kWaiting) == waiting_.pages() ? 0 : 115;
}

}  // namespace mem
