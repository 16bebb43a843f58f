// The run heap: whole pages by address-ordered first fit, in regions that are reserved 64 MiB at a
// time (less where the address space is limited) and committed from their start in small steps.
//
//   window:  | page map | bits: free | bits: dirty | summaries | slots | region | region | ...
//                                                                       ^ each slot: 64 MiB
//            slot: | committed ...... | reserved | not ours |
//
// A free page is clean (never touched since it came from the kernel, reads as zero) or dirty. Dirty
// pages are given back by madvise when they are more than an eighth of what is in use, at most once
// in 100 ms (less often if they were needed again), or each time that what is in use has fallen by
// half; the kernel is called outside the lock. A slot that is free as a whole is unmapped. Pages
// inside a region are never unmapped, so the number of mappings stays small.
//
// Once 8 MiB are committed, what slabs and fitted objects grow into gets huge pages where the
// system gives them on request: one fault instead of 512, for at most 2 MiB that are resident too
// early. Large blocks do not, for nobody knows that they will be touched; and nothing does any more
// once a huge page took longer to come than small ones would have. A huge page of which part is
// purged is none from then on, so that the kernel does not fill it up again. Where the system gives
// huge pages unasked, tables and smaller heaps refuse them: each page touched would take 2 MiB.
//
// A run that is freed waits before it is joined with its neighbours, and goes as it is to who next
// asks for as many pages, or to a large block that needs fewer, if no more than an eighth is too
// much. It counts as dirty. All that wait are joined before a run is taken that is not dirty
// throughout, and before dirty pages are given back: so the heap does not grow for what waits.
//
// Safe from any thread; one lock, a leaf: below it is only the page source. Another is held, above
// it, by the thread that gives pages back.
//   allocate, free      O(1) where a run waits; else O(log window + pages / 64), beside the joining
//                       of each run that waited, and a system call when committed pages run out
//   grow, shrink        the same
//   purge               O(window in use / 64), and a system call for each dirty run
// Out of memory is nullptr or false, with everything as it was.
//
// Invariants, which check() asserts by number (beside 101 and 102 of the index):
//   111  Pages in use, free pages and those that wait together are the reserved pages.
//   112  A dirty page is free; dirty pages are counted right.
//   113  A free page is in no span; a span's pages are not free.
//   114  What is committed is reserved, and holds every page in use and every dirty one.
//   115  Pages that wait are counted right.
//   116  A huge page is committed as a whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/base/lock.h"
#include "core/mem/page_map.h"
#include "core/mem/run_index.h"
#include "core/mem/span.h"
#include "core/mem/span_pool.h"
#include "core/mem/tuning.h"
#include "core/mem/waiting_runs.h"
#include "core/os/page_source.h"

namespace mem {

struct RunHeapStats {
  std::uint64_t used_pages = 0;      // in spans
  std::uint64_t large_pages = 0;     // of those, large blocks
  std::uint64_t free_pages = 0;      // reserved and not in use, those that wait included
  std::uint64_t dirty_pages = 0;     // of the free ones, those still resident
  std::uint64_t metadata_pages = 0;  // spans; of the map and tables what the pages in use need
  std::uint64_t longest_free = 0;    // pages of the longest free run
  std::uint64_t purged_pages = 0;    // given back so far
};

template <AddressSpace Os>
class RunHeap {
 public:
  constexpr RunHeap() noexcept = default;

  const PageMap& map() const noexcept { return map_; }
  Os& os() noexcept { return os_; }

  // A run of `pages`, its first byte aligned to `align` bytes, as a span in the given state.
  // whole: every page leads to the span, otherwise only the first.
  // pre: pages > 0, align is a power of two. post: is_fresh tells, and run_pages, which of a large
  // block may be more than `pages`; nullptr = no memory.
  Span* allocate(std::size_t pages, std::size_t align, SpanState state, bool whole) noexcept;

  // Ends a span. touched: pages from its first on that may have been written, if it was fresh.
  // pre: `pages` is what was allocated, grown and shrunk to.
  void free(Span* span, std::size_t pages, std::size_t touched) noexcept;

  // Resizes a span of state kLarge where it is; false = no free pages behind it.
  bool grow(Span* span, std::size_t pages) noexcept;
  void shrink(Span* span, std::size_t pages) noexcept;

  // Gives all dirty pages and empty slots back; returns the bytes given.
  std::size_t purge() noexcept;

  // Gives pages back that are part of a span and hold nothing; they read as zero then. false = the
  // kernel refused.
  bool discard(std::size_t first, std::size_t pages) noexcept;

  // Fresh pages of a span will all be touched soon: they come with one call of the kernel in place
  // of a fault each, but for those that are part of a huge page.
  void populate(std::size_t first, std::size_t pages) noexcept;

  // Memory for the heap's own tables, never given back; nullptr = no memory.
  void* allocate_metadata(std::size_t bytes) noexcept;

  // For who reports misuse: a page of ours that nothing lives in. pre: page < map().pages().
  bool is_free_page(std::size_t page) const noexcept { return index_.is_free(page); }

  // Given back to the kernel so far.
  std::size_t purged_pages() noexcept {
    const LockGuard guard(mutex_);
    return purged_pages_;
  }
  // As of some moment lately.
  std::size_t used_pages() const noexcept { return used_pages_.load(std::memory_order_relaxed); }

  RunHeapStats stats() noexcept;
  int check() noexcept;
  // visit(span) for each span of a slab or a large block, the lock held.
  template <class Visit>
  void for_each_span(Visit visit) noexcept {
    const LockGuard guard(mutex_);
    spans_.for_each([&](Span& span) {
      if (span.state() == SpanState::kLarge || span.is_owned()) visit(span);
    });
  }

  // Held while pages go to the kernel, when they are neither free nor anybody's; above mutex().
  Mutex& purge_mutex() noexcept { return purge_mutex_; }
  Mutex& mutex() noexcept { return mutex_; }

 private:
  static constexpr std::size_t kSlotPages = std::size_t{64} << 20 >> 12;
  static constexpr std::size_t kMinRegionPages = std::size_t{2} << 20 >> 12;  // a page of the map
  static constexpr std::size_t kHugePages = std::size_t{2} << 20 >> 12;
  static constexpr std::size_t kMaxWindowPages = std::size_t{512} << 30 >> 12;
  static constexpr std::size_t kMinWindowPages = 2 * kSlotPages;  // the tables have one
  static constexpr std::size_t kLimitShare = 8;  // the window is so many times the limit, at most
  // What lies between the window and the place where the kernel maps libraries and stacks.
  static constexpr std::size_t kGapBytes = std::size_t{64} << 30;
  static constexpr std::size_t kTableStepPages = std::size_t{1} << 30 >> 12;
  static constexpr std::size_t kMinCommitPages = 16;
  static constexpr std::size_t kMaxCommitPages = 1024;
  static constexpr std::size_t kDirtyFloorPages = 256;
  static constexpr std::size_t kFallFloorPages = 1024;  // less is left to the clock
  static constexpr std::size_t kDirtyShare = 8;
  static constexpr std::size_t kAll = SIZE_MAX;

  struct Slot {
    std::uint16_t reserved;
    std::uint16_t committed;
    std::uint32_t huge;  // a bit for each huge page of it that was asked for
  };
  enum class Place : unsigned char { kOurs, kTaken, kRefused };
  struct Run {
    std::size_t first;
    std::size_t pages;
    std::size_t huge_before;  // huge pages that it cuts through at its ends; SIZE_MAX = none
    std::size_t huge_behind;
  };

  void set_used(std::size_t pages) noexcept { used_pages_.store(pages, std::memory_order_relaxed); }
  bool init() noexcept;
  bool open_window(std::size_t pages) noexcept;
  bool commit_tables(std::size_t pages) noexcept;
  std::size_t take(std::size_t pages, std::size_t align, bool dense) noexcept;
  std::size_t find_aligned(std::size_t pages, std::size_t align) const noexcept;
  bool shrink_window() noexcept;
  bool add_region(std::size_t pages) noexcept;
  Place reserve_at(std::size_t first, std::size_t pages) noexcept;
  bool commit(std::size_t first, std::size_t pages, bool dense) noexcept;
  void make_huge(std::size_t slot_start, std::size_t from, std::size_t to) noexcept;
  std::size_t clear_dirty(std::size_t first, std::size_t pages) noexcept;
  void set_dirty(std::size_t first, std::size_t pages) noexcept;
  bool are_dirty(std::size_t first, std::size_t pages) const noexcept;
  void put_back(std::size_t first, std::size_t pages, std::size_t touched) noexcept;
  Span* allocate_new(std::size_t pages, std::size_t align, SpanState state, bool whole) noexcept;
  Span* take_waiting(std::size_t pages, SpanState state, bool whole) noexcept;
  void forget_slab(Span* span, std::size_t pages) noexcept;
  void wait(Span* span) noexcept;
  void join(Span* span) noexcept;
  void join_waiting() noexcept;
  bool join_behind(std::size_t first) noexcept;
  std::size_t pages_of(SpanState state) noexcept;
  // How many dirty pages may stay if there are too many now; kAll = there are not, or it is too
  // early.
  std::size_t purge_target() noexcept {
    const std::size_t dirty = dirty_pages_ + waiting_.pages();
    if (dirty <= kDirtyFloorPages || dirty <= used_pages() / kDirtyShare) return kAll;
    return purge_target_now(dirty);
  }
  std::size_t purge_target_now(std::size_t dirty) noexcept;
  void purge_from(std::size_t target) noexcept;
  std::size_t purge_to(std::size_t dirty_pages) noexcept;
  std::size_t take_dirty(Run* runs, std::size_t limit, std::size_t dirty_pages,
                         std::size_t* cursor) noexcept;
  std::size_t end_huge(std::size_t page) noexcept;
  bool give_to_kernel(const Run& run) noexcept;
  std::size_t unmap_empty_slots() noexcept;
  std::size_t slot_count() const noexcept { return (frontier_ + kSlotPages - 1) / kSlotPages; }
  bool is_dirty(std::size_t page) const noexcept {
    return (dirty_[page / 64] >> (page % 64) & 1) != 0;
  }

  Mutex purge_mutex_;
  Mutex mutex_;
  PageMap map_;
  RunIndex index_;
  SpanPool spans_;
  WaitingRuns waiting_;
  std::byte* bits_ = nullptr;  // of the index, then dirty_, then the summaries
  std::uint64_t* dirty_ = nullptr;
  Slot* slots_ = nullptr;
  std::size_t window_pages_ = 0;  // of the tables; those of the map may be fewer
  std::size_t table_pages_ = 0;   // of the window, whose tables are usable
  std::size_t first_slot_ = 0;    // the slots before it are the tables
  std::size_t frontier_ = 0;      // page behind the last reserved one
  std::size_t region_pages_ = kSlotPages;
  std::size_t reserved_pages_ = 0;
  std::size_t committed_pages_ = 0;
  bool huge_pays_ = true;
  std::atomic<std::size_t> used_pages_{0};  // written under the lock
  std::size_t dirty_pages_ = 0;             // but for those that wait
  std::size_t purged_pages_ = 0;
  std::size_t metadata_bytes_ = 0;
  std::uint64_t last_purge_ms_ = 0;
  std::uint64_t purge_period_ms_ = tuning::kPurgePeriodMs;
  std::size_t used_at_purge_ = 0;
  std::size_t vain_from_ = SIZE_MAX;  // who holds so many pages took half of what was purged again
  [[no_unique_address]] Os os_;
};

}  // namespace mem
