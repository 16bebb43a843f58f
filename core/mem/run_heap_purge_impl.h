// How RunHeap gives pages back. For the one file that instantiates it.
#pragma once

#include <bit>

#include "core/base/bits.h"
#include "core/mem/run_heap.h"
#include "core/mem/tuning.h"

namespace mem {

// Returns how many there were.
template <AddressSpace Os>
std::size_t RunHeap<Os>::clear_dirty(std::size_t first, std::size_t pages) noexcept {
  if (dirty_pages_ == 0) return 0;
  std::size_t cleared = 0;
  for_each_word(first, pages, [&](std::size_t word, std::uint64_t mask) {
    cleared += static_cast<std::size_t>(std::popcount(dirty_[word] & mask));
    if ((dirty_[word] & mask) != 0) dirty_[word] &= ~mask;
    return true;
  });
  dirty_pages_ -= cleared;
  return cleared;
}

template <AddressSpace Os>
void RunHeap<Os>::set_dirty(std::size_t first, std::size_t pages) noexcept {
  for_each_word(first, pages, [&](std::size_t word, std::uint64_t mask) {
    dirty_[word] |= mask;
    return true;
  });
  dirty_pages_ += pages;
}

template <AddressSpace Os>
bool RunHeap<Os>::are_dirty(std::size_t first, std::size_t pages) const noexcept {
  return for_each_word(first, pages, [&](std::size_t word, std::uint64_t mask) {
    return (dirty_[word] & mask) == mask;
  });
}

// Time bounds what a load that comes and goes can lose; the first period begins with the heap. The
// period is longer for a load that comes again and again, for to fault a page in may cost more than
// all that the program does with it. A large load that falls to nothing is followed down by halves,
// however fast.
template <AddressSpace Os>
[[gnu::noinline]] std::size_t RunHeap<Os>::purge_target_now(std::size_t dirty) noexcept {
  const std::uint64_t now = os_.now_ms();
  if (used_at_purge_ == 0) used_at_purge_ = used_pages();  // a fall before the first is one too
  const bool was_vain = used_pages() + dirty >= vain_from_;
  const std::uint64_t period =
      was_vain ? tuning::longer_purge_period_ms(purge_period_ms_) : tuning::kPurgePeriodMs;
  const bool is_time = now - last_purge_ms_ >= period;
  const bool is_fallen =
      dirty > kFallFloorPages && dirty > used_pages() && used_pages() < used_at_purge_ / 2;
  if (!is_time && !is_fallen) return kAll;
  if (is_time) purge_period_ms_ = period;
  last_purge_ms_ = now;
  used_at_purge_ = used_pages();
  const std::size_t target = used_pages() / (2 * kDirtyShare);
  vain_from_ = used_pages() + target + (dirty - target) / 2;
  return target;
}

// pre: the lock is not held, target is what purge_target() answered.
template <AddressSpace Os>
[[gnu::noinline]] void RunHeap<Os>::purge_from(std::size_t target) noexcept {
  // Again, since others may have freed while what was being purged counted as in use. Where another
  // thread purges, it does.
  while (target != kAll && purge_mutex_.try_lock()) {
    purge_to(target);
    unmap_empty_slots();
    purge_mutex_.unlock();
    const LockGuard guard(mutex_);
    target = purge_target();
  }
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
    runs[count++] = Run{page, end - page, end_huge(page), end_huge(end)};
  }
  *cursor = page;
  return count;
}

// A huge page that reaches across `page` is one no more, if part of it is to be given back: else
// the kernel would make it whole again sooner or later. Answers its first page, or SIZE_MAX.
template <AddressSpace Os>
std::size_t RunHeap<Os>::end_huge(std::size_t page) noexcept {
  if (page % kHugePages == 0) return SIZE_MAX;
  std::uint32_t& huge = slots_[page / kSlotPages].huge;
  const std::uint32_t bit = std::uint32_t{1} << (page % kSlotPages / kHugePages);
  if ((huge & bit) == 0) return SIZE_MAX;
  huge &= ~bit;
  return align_down(page, kHugePages);
}

// pre: nobody may use the pages meanwhile, and the lock is not held. false = the kernel refused.
template <AddressSpace Os>
bool RunHeap<Os>::give_to_kernel(const Run& run) noexcept {
  const std::size_t ends[] = {run.huge_before, run.huge_behind};
  for (const std::size_t huge : ends) {
    if (huge == SIZE_MAX) continue;
    os_.prefer_huge(reinterpret_cast<void*>(map_.address_of(huge)), kHugePages * kPageBytes, false);
  }
  return os_.discard(reinterpret_cast<void*>(map_.address_of(run.first)), run.pages * kPageBytes);
}

template <AddressSpace Os>
bool RunHeap<Os>::discard(std::size_t first, std::size_t pages) noexcept {
  Run run{first, pages, SIZE_MAX, SIZE_MAX};
  {
    const LockGuard guard(mutex_);
    run.huge_before = end_huge(first);
    run.huge_behind = end_huge(first + pages);
  }
  if (!give_to_kernel(run)) return false;
  const LockGuard guard(mutex_);
  purged_pages_ += pages;
  return true;
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
      if (cursor == SIZE_MAX) join_waiting();
      count = take_dirty(runs, kBatch, dirty_pages, &cursor);
    }
    if (count == 0) return given * kPageBytes;
    bool done[kBatch];
    for (std::size_t i = 0; i < count; ++i) done[i] = give_to_kernel(runs[i]);
    const LockGuard guard(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      put_back(runs[i].first, runs[i].pages, done[i] ? 0 : runs[i].pages);
      set_used(used_pages() - runs[i].pages);
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
    const std::size_t dirty = clear_dirty(first, reserved);
    given += dirty;
    purged_pages_ += dirty;
    index_.set(first, reserved, false);
    reserved_pages_ -= reserved;
    committed_pages_ -= slots_[slot].committed;
    slots_[slot] = Slot{0, 0, 0};
  }
  return given * kPageBytes;
}

template <AddressSpace Os>
std::size_t RunHeap<Os>::purge() noexcept {
  const LockGuard guard(purge_mutex_);
  const std::size_t given = purge_to(0);
  return given + unmap_empty_slots();
}

}  // namespace mem
