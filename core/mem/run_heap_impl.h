// The operations of RunHeap, for the one file that instantiates it.
#pragma once

#include <bit>

#include "core/base/bits.h"
#include "core/mem/run_heap.h"

namespace mem {

// --- the window ---------------------------------------------------------------------------------

// The largest window whose tables the address space allows; with a limit, four to eight times the
// limit, so that the tables take some hundredth of it.
template <AddressSpace Os>
bool RunHeap<Os>::init() noexcept {
  if (map_.pages() != 0) return true;
  std::size_t pages = kMaxWindowPages;
  const std::size_t limit = os_.address_limit();
  if (limit != SIZE_MAX) {
    while (pages > kMinWindowPages && pages / 8 * kPageBytes > limit) pages /= 2;
    while (region_pages_ > kMinRegionPages && region_pages_ * 16 * kPageBytes > limit) {
      region_pages_ /= 2;
    }
  }
  while (!open_window(pages)) {
    if (pages <= kMinWindowPages) return false;
    pages /= 2;
  }
  return true;
}

template <AddressSpace Os>
bool RunHeap<Os>::open_window(std::size_t pages) noexcept {
  const std::size_t map_bytes = pages * sizeof(Span*);
  const std::size_t bits_bytes = RunIndex::bitmap_bytes(pages);
  const std::size_t summary_bytes = RunIndex::summary_bytes(pages);
  const std::size_t slots_bytes = (pages / kSlotPages + 1) * sizeof(Slot);
  const std::size_t tables = align_up(2 * bits_bytes + summary_bytes + slots_bytes, kPageBytes);
  const std::size_t total = map_bytes + tables;
  void* place = os_.reserve(nullptr, total, Access::kRead);
  if (place == nullptr) return false;
  // Regions go upwards from the tables, so the window is moved to where there is room for them.
  const auto found = reinterpret_cast<std::uintptr_t>(place);
  const std::size_t down = pages * kPageBytes + kGapBytes;
  if (found > 2 * down) {
    void* wanted = reinterpret_cast<void*>(align_down(found - down, kSlotPages * kPageBytes));
    void* lower = os_.reserve(wanted, total, Access::kRead);
    if (lower == wanted) {
      os_.unmap(place, total);
      place = lower;
    } else if (lower != nullptr) {
      os_.unmap(lower, total);
    }
  }
  auto* start = static_cast<std::byte*>(place) + map_bytes;
  if (!os_.commit(start, tables)) {
    os_.unmap(place, total);
    return false;
  }
  dirty_ = reinterpret_cast<std::uint64_t*>(start + bits_bytes);
  slots_ = reinterpret_cast<Slot*>(start + 2 * bits_bytes + align_up(summary_bytes, sizeof(Slot)));
  index_.init(pages, reinterpret_cast<std::uint64_t*>(start),
              reinterpret_cast<RunIndex::Summary*>(start + 2 * bits_bytes));
  frontier_ = align_up(total / kPageBytes + 1, kSlotPages);
  first_slot_ = frontier_ / kSlotPages;
  map_.init(reinterpret_cast<std::uintptr_t>(place), pages);
  return true;
}

// Reserves at least `pages` behind the last region; what cannot be had 64 MiB at a time is asked
// for in smaller pieces.
template <AddressSpace Os>
bool RunHeap<Os>::add_region(std::size_t pages) noexcept {
  const std::size_t needed = align_up(pages, kMinRegionPages);
  std::size_t wanted = needed > region_pages_ ? needed : region_pages_;
  for (;;) {
    // A slot that was unmapped as a whole, first.
    if (wanted <= kSlotPages) {
      for (std::size_t slot = first_slot_; slot < slot_count(); ++slot) {
        if (slots_[slot].reserved != 0 || slot * kSlotPages + wanted > frontier_) continue;
        if (reserve_at(slot * kSlotPages, wanted) == Place::kOurs) return true;
      }
    }
    std::size_t first = frontier_;
    for (int attempt = 0; attempt < 16 && first + wanted <= map_.pages(); ++attempt) {
      const Place place = reserve_at(first, wanted);
      if (place == Place::kRefused) break;
      if (place == Place::kOurs) {
        frontier_ = first + wanted;
        return true;
      }
      // Somebody lives there: further on by a slot, by two, by four, ...
      first = align_up(first + 1, kSlotPages) + ((std::size_t{1} << attempt) - 1) * kSlotPages;
    }
    if (wanted <= needed) return false;
    wanted = wanted / 4 > needed ? align_up(wanted / 4, kMinRegionPages) : needed;
  }
}

template <AddressSpace Os>
typename RunHeap<Os>::Place RunHeap<Os>::reserve_at(std::size_t first, std::size_t pages) noexcept {
  auto* hint = reinterpret_cast<void*>(map_.address_of(first));
  void* p = os_.reserve(hint, pages * kPageBytes, Access::kNone);
  if (p == nullptr) return Place::kRefused;
  if (p != hint) {
    os_.unmap(p, pages * kPageBytes);
    return Place::kTaken;
  }
  if (!os_.commit(map_.entry_address(first), pages * sizeof(Span*))) {
    os_.unmap(p, pages * kPageBytes);
    return Place::kRefused;
  }
  for (std::size_t page = first; page < first + pages;) {
    const std::size_t slot_end = (page / kSlotPages + 1) * kSlotPages;
    const std::size_t end = slot_end < first + pages ? slot_end : first + pages;
    slots_[page / kSlotPages].reserved += static_cast<std::uint32_t>(end - page);
    page = end;
  }
  index_.reach(first + pages > frontier_ ? first + pages : frontier_);
  index_.set(first, pages, true);
  reserved_pages_ += pages;
  return Place::kOurs;
}

// Makes [first, first + pages) usable. pre: reserved.
template <AddressSpace Os>
bool RunHeap<Os>::commit(std::size_t first, std::size_t pages) noexcept {
  for (std::size_t page = first; page < first + pages;) {
    const std::size_t slot_start = page / kSlotPages * kSlotPages;
    Slot& slot = slots_[page / kSlotPages];
    const std::size_t end_in_slot = first + pages - slot_start;
    const std::size_t needed = end_in_slot < slot.reserved ? end_in_slot : slot.reserved;
    if (needed > slot.committed) {
      std::size_t step = committed_pages_ / 2;
      step = step < kMinCommitPages ? kMinCommitPages : step;
      step = step > kMaxCommitPages ? kMaxCommitPages : step;
      std::size_t target = slot.committed + step > needed ? slot.committed + step : needed;
      if (target > slot.reserved) target = slot.reserved;
      auto* start = reinterpret_cast<void*>(map_.address_of(slot_start + slot.committed));
      if (!os_.commit(start, (target - slot.committed) * kPageBytes)) {
        if (target == needed) return false;
        target = needed;
        if (!os_.commit(start, (target - slot.committed) * kPageBytes)) return false;
      }
      committed_pages_ += target - slot.committed;
      slot.committed = static_cast<std::uint32_t>(target);
    }
    page = slot_start + kSlotPages;
  }
  return true;
}

// --- runs ---------------------------------------------------------------------------------------

template <AddressSpace Os>
std::size_t RunHeap<Os>::find_aligned(std::size_t pages, std::size_t align) const noexcept {
  if (align <= kPageBytes) return index_.find(pages);
  const std::size_t found = index_.find(pages + align / kPageBytes - 1);
  if (found == RunIndex::kNone) return found;
  return found + (align_up(map_.address_of(found), align) - map_.address_of(found)) / kPageBytes;
}

// Takes a run out of the index, committed; kNone = no memory.
template <AddressSpace Os>
std::size_t RunHeap<Os>::take(std::size_t pages, std::size_t align) noexcept {
  std::size_t first = find_aligned(pages, align);
  if (first == RunIndex::kNone) {
    const std::size_t more = align <= kPageBytes ? pages : pages + align / kPageBytes - 1;
    if (!add_region(more)) return RunIndex::kNone;
    first = find_aligned(pages, align);
  }
  if (!commit(first, pages)) return RunIndex::kNone;
  index_.set(first, pages, false);
  set_used(used_pages() + pages);
  return first;
}

template <AddressSpace Os>
Span* RunHeap<Os>::allocate(std::size_t pages, std::size_t align, SpanState state,
                            bool whole) noexcept {
  const LockGuard guard(mutex_);
  if (!init() || pages > map_.pages() || align / kPageBytes > map_.pages()) return nullptr;
  Span* span = spans_.take(os_);
  if (span == nullptr) return nullptr;
  const std::size_t first = take(pages, align);
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
  if (state == SpanState::kLarge) large_pages_ += pages;
  return span;
}

template <AddressSpace Os>
void RunHeap<Os>::put_back(std::size_t first, std::size_t pages, std::size_t touched) noexcept {
  set_dirty(first, touched);
  index_.set(first, pages, true);
  set_used(used_pages() - pages);
}

template <AddressSpace Os>
void RunHeap<Os>::free(Span* span, std::size_t pages, std::size_t touched) noexcept {
  std::size_t target = SIZE_MAX;
  {
    const LockGuard guard(mutex_);
    map_.set(span->first_page, span->state() == SpanState::kLarge ? 1 : pages, nullptr);
    if (span->state() == SpanState::kLarge) large_pages_ -= pages;
    put_back(span->first_page, pages, span->is_fresh ? touched : pages);
    spans_.give(span);
    target = purge_target();
  }
  // Again, since others may have freed while what was being purged counted as in use.
  while (target != SIZE_MAX) {
    purge_to(target);
    unmap_empty_slots();
    const LockGuard guard(mutex_);
    target = purge_target();
  }
}

template <AddressSpace Os>
bool RunHeap<Os>::grow(Span* span, std::size_t pages) noexcept {
  const LockGuard guard(mutex_);
  const std::size_t old = span->run_pages;
  const std::size_t first = span->first_page + old;
  const std::size_t more = pages - old;
  if (first >= frontier_ || !index_.are_free(first, more) || !commit(first, more)) return false;
  index_.set(first, more, false);
  set_used(used_pages() + more);
  large_pages_ += more;
  if (clear_dirty(first, more) != 0) span->is_fresh = false;
  span->run_pages = static_cast<std::uint32_t>(pages);
  return true;
}

template <AddressSpace Os>
void RunHeap<Os>::shrink(Span* span, std::size_t pages) noexcept {
  const LockGuard guard(mutex_);
  const std::size_t less = span->run_pages - pages;
  put_back(span->first_page + pages, less, less);
  large_pages_ -= less;
  span->run_pages = static_cast<std::uint32_t>(pages);
}

template <AddressSpace Os>
void* RunHeap<Os>::allocate_metadata(std::size_t bytes) noexcept {
  const LockGuard guard(mutex_);
  const std::size_t rounded = align_up(bytes, kPageBytes);
  void* p = os_.map(rounded, 0, 0);
  if (p != nullptr) metadata_bytes_ += rounded;
  return p;
}

// --- dirty pages --------------------------------------------------------------------------------

// Returns how many there were.
template <AddressSpace Os>
std::size_t RunHeap<Os>::clear_dirty(std::size_t first, std::size_t pages) noexcept {
  if (dirty_pages_ == 0) return 0;
  std::size_t cleared = 0;
  for (std::size_t page = first; page < first + pages;) {
    const auto from = static_cast<unsigned>(page % 64);
    const std::size_t rest = first + pages - page;
    const std::size_t count = rest < 64 - from ? rest : 64 - from;
    const std::uint64_t mask = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1)
                               << from;
    std::uint64_t& word = dirty_[page / 64];
    cleared += static_cast<std::size_t>(std::popcount(word & mask));
    if ((word & mask) != 0) word &= ~mask;
    page += count;
  }
  dirty_pages_ -= cleared;
  return cleared;
}

template <AddressSpace Os>
void RunHeap<Os>::set_dirty(std::size_t first, std::size_t pages) noexcept {
  for (std::size_t page = first; page < first + pages;) {
    const auto from = static_cast<unsigned>(page % 64);
    const std::size_t rest = first + pages - page;
    const std::size_t count = rest < 64 - from ? rest : 64 - from;
    dirty_[page / 64] |= (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1)
                         << from;
    page += count;
  }
  dirty_pages_ += pages;
}

// How many dirty pages may stay if there are too many now; SIZE_MAX = all, for there are not, or it
// is too early. Time bounds what a load that comes and goes can lose; one that falls to nothing is
// followed down by halves, however fast.
template <AddressSpace Os>
std::size_t RunHeap<Os>::purge_target() noexcept {
  if (dirty_pages_ <= kDirtyFloorPages || dirty_pages_ <= used_pages() / kDirtyShare) {
    return SIZE_MAX;
  }
  const std::uint64_t now = os_.now_ms();
  const bool is_time = now - last_purge_ms_ >= kPurgePeriodMs;
  const bool is_fallen = dirty_pages_ > used_pages() && used_pages() < used_at_purge_ / 2;
  if (!is_time && !is_fallen) return SIZE_MAX;
  last_purge_ms_ = now;
  used_at_purge_ = used_pages();
  return used_pages() / (2 * kDirtyShare);
}

// Takes up to `limit` dirty runs out of the index, the highest first, until `dirty_pages` would be
// left. *cursor: pages from there on were looked at.
template <AddressSpace Os>
std::size_t RunHeap<Os>::take_dirty(Run* runs, std::size_t limit, std::size_t dirty_pages,
                                    std::size_t* cursor) noexcept {
  std::size_t count = 0;
  std::size_t page = *cursor < frontier_ ? *cursor : frontier_;
  while (page > first_slot_ * kSlotPages && dirty_pages_ > dirty_pages && count < limit) {
    if (page % 64 == 0 && dirty_[page / 64 - 1] == 0) {
      page -= 64;
      continue;
    }
    --page;
    if (!is_dirty(page)) continue;
    const std::size_t end = page + 1;
    while (page > 0 && is_dirty(page - 1)) --page;
    clear_dirty(page, end - page);
    index_.set(page, end - page, false);
    set_used(used_pages() + end - page);
    runs[count++] = Run{page, end - page};
  }
  *cursor = page;
  return count;
}

// pre: the lock is not held. Answers the bytes given back.
template <AddressSpace Os>
std::size_t RunHeap<Os>::purge_to(std::size_t dirty_pages) noexcept {
  constexpr std::size_t kBatch = 32;
  Run runs[kBatch];
  std::size_t cursor = SIZE_MAX;
  std::size_t given = 0;
  for (;;) {
    std::size_t count = 0;
    {
      const LockGuard guard(mutex_);
      count = take_dirty(runs, kBatch, dirty_pages, &cursor);
    }
    if (count == 0) return given * kPageBytes;
    bool done[kBatch];
    for (std::size_t i = 0; i < count; ++i) {
      done[i] = os_.discard(reinterpret_cast<void*>(map_.address_of(runs[i].first)),
                            runs[i].pages * kPageBytes);
    }
    const LockGuard guard(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      put_back(runs[i].first, runs[i].pages, done[i] ? 0 : runs[i].pages);
      if (done[i]) {
        given += runs[i].pages;
        purged_pages_ += runs[i].pages;
      }
    }
  }
}

// A slot without a page in use goes back whole, all but the first.
template <AddressSpace Os>
std::size_t RunHeap<Os>::unmap_empty_slots() noexcept {
  const LockGuard guard(mutex_);
  std::size_t given = 0;
  for (std::size_t slot = first_slot_ + 1; slot < slot_count(); ++slot) {
    const std::size_t first = slot * kSlotPages;
    const std::size_t reserved = slots_[slot].reserved;
    if (reserved != kSlotPages || !index_.are_free(first, reserved)) continue;
    if (!os_.unmap(reinterpret_cast<void*>(map_.address_of(first)), reserved * kPageBytes))
      continue;
    given += clear_dirty(first, reserved);
    index_.set(first, reserved, false);
    reserved_pages_ -= reserved;
    committed_pages_ -= slots_[slot].committed;
    slots_[slot] = Slot{0, 0};
  }
  return given * kPageBytes;
}

template <AddressSpace Os>
std::size_t RunHeap<Os>::purge() noexcept {
  const std::size_t given = purge_to(0);
  return given + unmap_empty_slots();
}

// --- the rest -----------------------------------------------------------------------------------

template <AddressSpace Os>
RunHeapStats RunHeap<Os>::stats() noexcept {
  const LockGuard guard(mutex_);
  RunHeapStats stats;
  if (map_.pages() == 0) return stats;
  stats.used_pages = used_pages();
  stats.large_pages = large_pages_;
  stats.free_pages = index_.free_pages();
  stats.dirty_pages = dirty_pages_;
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
  if (used_pages() + index_.free_pages() != reserved_pages_) return 111;
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
  }
  if (dirty != dirty_pages_) return 112;
  std::size_t large = 0;
  spans_.for_each([&](const Span& span) {
    if (span.state() == SpanState::kLarge) large += span.run_pages;
  });
  return large == large_pages_ ? 0 : 115;
}

}  // namespace mem
