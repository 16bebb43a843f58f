// Where RunHeap's pages come from: the window, its regions, what of them is committed, and what
// gets huge pages. For the one file that instantiates it.
#pragma once

#include "core/base/bits.h"
#include "core/mem/run_heap.h"
#include "core/mem/tuning.h"

namespace mem {

// The largest window whose tables the address space allows; with a limit, four to eight times the
// limit, so that the tables take some hundredth of it.
template <AddressSpace Os>
bool RunHeap<Os>::init() noexcept {
  if (map_.pages() != 0) return true;
  std::size_t pages = kMaxWindowPages;
  const std::size_t limit = os_.address_limit();
  if (limit != SIZE_MAX) {
    while (pages > kMinWindowPages && pages / kLimitShare * kPageBytes > limit) pages /= 2;
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
  } else if (found > kGapBytes && pages > kMinWindowPages) {
    // Of 39 bits, as some arm64 kernels have; far below that (valgrind's) there is room upwards.
    os_.unmap(place, total);
    return false;
  }
  auto* start = static_cast<std::byte*>(place) + map_bytes;
  // What is small; the rest as pages are reserved.
  const std::size_t behind_lowest =
      align_down(2 * bits_bytes + RunIndex::lowest_summary_bytes(pages), kPageBytes);
  if (!os_.commit(start + behind_lowest, tables - behind_lowest)) {
    os_.unmap(place, total);
    return false;
  }
  os_.prefer_huge(place, total, false);
  dirty_ = reinterpret_cast<std::uint64_t*>(start + bits_bytes);
  slots_ = reinterpret_cast<Slot*>(start + 2 * bits_bytes + align_up(summary_bytes, sizeof(Slot)));
  index_.init(pages, reinterpret_cast<std::uint64_t*>(start),
              reinterpret_cast<RunIndex::Summary*>(start + 2 * bits_bytes));
  frontier_ = align_up(total / kPageBytes + 1, kSlotPages);
  first_slot_ = frontier_ / kSlotPages;
  bits_ = start;
  map_.init(reinterpret_cast<std::uintptr_t>(place), pages);
  window_pages_ = pages;
  last_purge_ms_ = os_.now_ms();
  return true;
}

// The tables with something for every page are usable for the first pages of the window only, a GiB
// of them at a time: else each process would have to be granted what few ever need. What lies
// behind reads as zero.
template <AddressSpace Os>
bool RunHeap<Os>::commit_tables(std::size_t pages) noexcept {
  if (pages <= table_pages_) return true;
  std::size_t target = align_up(pages, kTableStepPages);
  if (target > window_pages_) target = window_pages_;
  const std::size_t bits_bytes = RunIndex::bitmap_bytes(window_pages_);
  const auto extend = [&](std::byte* table, std::size_t from, std::size_t to) {
    to = align_up(to, kPageBytes);
    return os_.commit(table + from, to - from);
  };
  for (std::byte* bits : {bits_, bits_ + bits_bytes}) {
    if (!extend(bits, RunIndex::bitmap_bytes(table_pages_), RunIndex::bitmap_bytes(target))) {
      return false;
    }
  }
  if (!extend(bits_ + 2 * bits_bytes, RunIndex::lowest_summary_bytes(table_pages_),
              RunIndex::lowest_summary_bytes(target))) {
    return false;
  }
  table_pages_ = target;
  return true;
}

// The kernel refused address space: if the program itself has set a limit since the window was
// opened, the map of what it can no longer have, which counts too, is given back. False = there is
// nothing to give.
template <AddressSpace Os>
[[gnu::noinline]] bool RunHeap<Os>::shrink_window() noexcept {
  const std::size_t limit = os_.address_limit();
  if (limit == SIZE_MAX) return false;
  constexpr std::size_t kMapPage = kPageBytes / sizeof(Span*);
  const std::size_t pages = align_up(frontier_ + kLimitShare * (limit / kPageBytes), kMapPage);
  const std::size_t before = map_.pages();
  if (pages >= before) return false;
  map_.shrink(pages);
  os_.unmap(map_.entry_address(pages), (before - pages) * sizeof(Span*));
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
      if (place == Place::kRefused) {
        if (shrink_window()) continue;
        break;
      }
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
  if (!commit_tables(first + pages) ||
      !os_.commit(map_.entry_address(first), pages * sizeof(Span*))) {
    os_.unmap(p, pages * kPageBytes);
    return Place::kRefused;
  }
  for (std::size_t page = first; page < first + pages;) {
    const std::size_t slot_end = (page / kSlotPages + 1) * kSlotPages;
    const std::size_t end = slot_end < first + pages ? slot_end : first + pages;
    Slot& slot = slots_[page / kSlotPages];
    slot.reserved = static_cast<std::uint16_t>(slot.reserved + end - page);
    page = end;
  }
  index_.reach(first + pages > frontier_ ? first + pages : frontier_);
  index_.set(first, pages, true);
  reserved_pages_ += pages;
  return Place::kOurs;
}

// Makes [first, first + pages) usable. pre: reserved. dense: all of them will be touched, so once
// the heap is large, what is new to it gets huge pages, but for what lies before their first
// boundary: none is resident before a page of it is needed. What others need then ends at such a
// boundary, so that little of it is left to those who would do better with a huge page.
template <AddressSpace Os>
bool RunHeap<Os>::commit(std::size_t first, std::size_t pages, bool dense) noexcept {
  // As a whole first, for the kernel refuses what the machine cannot have only if it is asked for
  // at once; and what is refused in parts would leave those before it committed.
  const bool is_in_one_slot = first / kSlotPages == (first + pages - 1) / kSlotPages;
  if (!is_in_one_slot &&
      !os_.commit(reinterpret_cast<void*>(map_.address_of(first)), pages * kPageBytes)) {
    return false;
  }
  const bool are_huge_refused = !huge_pays_ || committed_pages_ + pages < tuning::kHugeFromPages;
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
      const bool is_large = huge_pays_ && committed_pages_ >= tuning::kHugeFromPages;
      const bool is_huge = is_large && dense && needed > align_up(slot.committed, kHugePages);
      if (is_large) target = align_up(is_huge ? target : needed, kHugePages);
      if (target > slot.reserved) target = slot.reserved;
      auto* start = reinterpret_cast<void*>(map_.address_of(slot_start + slot.committed));
      if (!os_.commit(start, (target - slot.committed) * kPageBytes)) {
        if (target == needed) return false;
        target = needed;
        if (!os_.commit(start, (target - slot.committed) * kPageBytes)) return false;
      }
      committed_pages_ += target - slot.committed;
      if (is_huge) make_huge(slot_start, slot.committed, target);
      if (are_huge_refused) {
        os_.prefer_huge(start, (target - slot.committed) * kPageBytes, false);
      }
      slot.committed = static_cast<std::uint16_t>(target);
    }
    page = slot_start + kSlotPages;
  }
  return true;
}

// Huge pages behind [from, to) of a slot, as far as they lie in it whole. The first one is touched,
// to see whether they pay: the kernel may have none at hand, and look for pages to move first, or
// must ask the host of a virtual machine for memory that it had given back.
template <AddressSpace Os>
void RunHeap<Os>::make_huge(std::size_t slot_start, std::size_t from, std::size_t to) noexcept {
  from = align_up(from, kHugePages);
  to = align_down(to, kHugePages);
  if (from >= to) return;
  const auto tell = [&](std::size_t first, std::size_t end, bool huge) {
    os_.prefer_huge(reinterpret_cast<void*>(map_.address_of(slot_start + first)),
                    (end - first) * kPageBytes, huge);
  };
  tell(from, to, true);
  void* first = reinterpret_cast<void*>(map_.address_of(slot_start + from));
  huge_pays_ = os_.first_touch_us(first) <= tuning::kMaxHugeUs;
  if (!huge_pays_) {
    if (from + kHugePages < to) tell(from + kHugePages, to, false);
    to = from + kHugePages;
  }
  for (std::size_t page = from; page < to; page += kHugePages) {
    slots_[slot_start / kSlotPages].huge |= std::uint32_t{1} << (page / kHugePages);
  }
}

}  // namespace mem
