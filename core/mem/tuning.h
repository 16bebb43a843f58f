// Constants that were chosen by measurement; core/README.md has the figures. Those with a name
// below can be set from outside, as -DMEM_TUNE_NAME=value, so that an ablation is a build and not
// an edit.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef MEM_TUNE_FIRST_SLAB_KIB
#define MEM_TUNE_FIRST_SLAB_KIB 4
#endif
#ifndef MEM_TUNE_MAX_SLAB_KIB
#define MEM_TUNE_MAX_SLAB_KIB 32
#endif
#ifndef MEM_TUNE_HOT_LIVE
#define MEM_TUNE_HOT_LIVE 16
#endif
#ifndef MEM_TUNE_HOT_USES
#define MEM_TUNE_HOT_USES 128
#endif
#ifndef MEM_TUNE_SPARSE
#define MEM_TUNE_SPARSE 2
#endif
#ifndef MEM_TUNE_MIN_FILL
#define MEM_TUNE_MIN_FILL 32
#endif
#ifndef MEM_TUNE_HOLE_SHARE
#define MEM_TUNE_HOLE_SHARE 16
#endif
#ifndef MEM_TUNE_MIN_HOLES
#define MEM_TUNE_MIN_HOLES 8192
#endif
#ifndef MEM_TUNE_FILL_USES
#define MEM_TUNE_FILL_USES 32
#endif
#ifndef MEM_TUNE_CACHE_OBJECTS
#define MEM_TUNE_CACHE_OBJECTS 8
#endif
#ifndef MEM_TUNE_CACHE_GRANULES
#define MEM_TUNE_CACHE_GRANULES 256
#endif
#ifndef MEM_TUNE_CACHE_SHARE
#define MEM_TUNE_CACHE_SHARE 128
#endif
#ifndef MEM_TUNE_LOOSE_OBJECTS
#define MEM_TUNE_LOOSE_OBJECTS 32
#endif
#ifndef MEM_TUNE_LOOSE_MANY
#define MEM_TUNE_LOOSE_MANY 16
#endif
#ifndef MEM_TUNE_LOOSE_SLABS
#define MEM_TUNE_LOOSE_SLABS 4
#endif
#ifndef MEM_TUNE_WAITING_SHARE
#define MEM_TUNE_WAITING_SHARE 8
#endif
#ifndef MEM_TUNE_WAITING_SLACK
#define MEM_TUNE_WAITING_SLACK 8
#endif
#ifndef MEM_TUNE_KEPT_RUN_PAGES
#define MEM_TUNE_KEPT_RUN_PAGES 64
#endif
#ifndef MEM_TUNE_MAX_PURGE_PERIOD_MS
#define MEM_TUNE_MAX_PURGE_PERIOD_MS 1600
#endif
#ifndef MEM_TUNE_MIN_DISCARD
#define MEM_TUNE_MIN_DISCARD 65536
#endif
#ifndef MEM_TUNE_MIN_FALL
#define MEM_TUNE_MIN_FALL 65536
#endif
#ifndef MEM_TUNE_HUGE_MIB
#define MEM_TUNE_HUGE_MIB 8
#endif
#ifndef MEM_TUNE_MAX_HUGE_US
#define MEM_TUNE_MAX_HUGE_US 1000
#endif
#ifndef MEM_TUNE_POPULATE_FROM
#define MEM_TUNE_POPULATE_FROM 8
#endif
#ifndef MEM_TUNE_BATCH
#define MEM_TUNE_BATCH 64
#endif
#ifndef MEM_TUNE_KEEP_EMPTY
#define MEM_TUNE_KEEP_EMPTY 1
#endif
#ifndef MEM_TUNE_IDLE_SHARE
#define MEM_TUNE_IDLE_SHARE 16
#endif

namespace mem::tuning {

// A bin's first slab, doubled with every further one up to the largest.
inline constexpr std::size_t kFirstSlabBytes = std::size_t{MEM_TUNE_FIRST_SLAB_KIB} << 10;
inline constexpr std::size_t kMaxSlabBytes = std::size_t{MEM_TUNE_MAX_SLAB_KIB} << 10;
inline constexpr std::size_t kMaxSlabPages = 16;  // what a fit table can describe

// Objects of a bin are fitted between others until so many of them live (or a page full of them, up
// to 1 KiB), or until they were asked for and freed so often, halved every kColdEpoch such calls;
// from then on the bin has slabs.
inline constexpr unsigned kHotLive = MEM_TUNE_HOT_LIVE;
constexpr unsigned hot_live(std::size_t object_bytes) noexcept {
  const bool is_small = object_bytes <= 1024;
  const std::size_t a_page = is_small && object_bytes != 0 ? 4096 / object_bytes : kHotLive;
  return a_page < kHotLive ? static_cast<unsigned>(a_page) : kHotLive;
}
inline constexpr unsigned kHotUses = MEM_TUNE_HOT_USES;
constexpr unsigned hot_uses(bool is_medium) noexcept { return is_medium ? 2 * kHotUses : kHotUses; }
inline constexpr unsigned kColdEpoch = 4096;

// A slab is sparse when at most 1 / kSparse of its objects live: its holes are then open to others
// before fresh pages are taken; 0 = never.
inline constexpr unsigned kSparse = MEM_TUNE_SPARSE;

// Holes are filled before fresh pages are taken once they are 1 / kHoleShare of what a heap holds.
inline constexpr std::size_t kHoleShare = MEM_TUNE_HOLE_SHARE;
inline constexpr std::size_t kMinHoles = MEM_TUNE_MIN_HOLES;  // granules

// A bin takes a row of objects out of a hole: as many as this many granules or more.
inline constexpr std::size_t kMinFillGranules = MEM_TUNE_MIN_FILL;
inline constexpr std::size_t kMaxFillGranules = 256;

// And no more rows once so many of its objects in holes were freed of late: then a slab is due.
inline constexpr unsigned kFillUses = MEM_TUNE_FILL_USES;

// Fitted objects of one bin that wait in it to be asked for again, at most; and granules of all
// bins together, beside this share of what the heap holds.
inline constexpr unsigned kCacheObjects = MEM_TUNE_CACHE_OBJECTS;
inline constexpr std::size_t kCacheGranules = MEM_TUNE_CACHE_GRANULES;
inline constexpr std::size_t kCacheShare = MEM_TUNE_CACHE_SHARE;

// Objects of a bin's full slabs that wait in it to be asked for again, at most, if it has so many
// slabs: one for a few of them, and one for each where they are many, for the more objects come and
// go, the more their number varies.
constexpr std::size_t loose_objects(std::size_t slabs) noexcept {
  constexpr std::size_t kMost = MEM_TUNE_LOOSE_OBJECTS;
  const std::size_t share = slabs < MEM_TUNE_LOOSE_MANY ? slabs / MEM_TUNE_LOOSE_SLABS : slabs;
  return share < kMost ? share : kMost;
}

// Freed runs wait for somebody who asks for as many pages, or a large block of this share fewer,
// while together they have no more than that share of the pages in use; 0 = none waits, or exactly
// as many. The last one that was freed may always wait.
inline constexpr std::size_t kWaitingShare = MEM_TUNE_WAITING_SHARE;
inline constexpr std::size_t kWaitingSlack = MEM_TUNE_WAITING_SLACK;
constexpr std::size_t waiting_pages(std::size_t used_pages) noexcept {
  return kWaitingShare == 0 ? 0 : used_pages / (kWaitingShare + (kWaitingShare == 0));
}
constexpr std::size_t most_pages(std::size_t pages) noexcept {
  return kWaitingSlack == 0 ? pages : pages + pages / (kWaitingSlack + (kWaitingSlack == 0));
}

// The last large block that a thread freed stays with it, where others might want the lock, if it
// has no more pages than these; 0 = none does.
inline constexpr std::size_t kKeptRunPages = MEM_TUNE_KEPT_RUN_PAGES;

// Free pages that are still resident go back to the kernel this often at most, or when what is in
// use has halved; those in holes of a heap from so many granules of them on, if they are the larger
// part of it.
inline constexpr std::uint64_t kPurgePeriodMs = 100;
inline constexpr std::size_t kMinDiscard = MEM_TUNE_MIN_DISCARD;
// Free pages twice as seldom each time that half of what went back had come again, down to this.
inline constexpr std::uint64_t kMaxPurgePeriodMs = MEM_TUNE_MAX_PURGE_PERIOD_MS;
constexpr std::uint64_t longer_purge_period_ms(std::uint64_t period) noexcept {
  return 2 * period < kMaxPurgePeriodMs ? 2 * period : kMaxPurgePeriodMs;
}

// Bins let go of what waits in them when a quarter of what was in use is free, and so many
// granules.
inline constexpr std::size_t kMinFall = MEM_TUNE_MIN_FALL;

// A heap that has committed so much asks for huge pages; 0 = never.
inline constexpr std::size_t kHugeFromPages =
    MEM_TUNE_HUGE_MIB == 0 ? SIZE_MAX : std::size_t{MEM_TUNE_HUGE_MIB} << 20 >> 12;
// Until one takes longer to come, in microseconds of CPU time: as long as its 512 small ones.
inline constexpr std::uint64_t kMaxHugeUs = MEM_TUNE_MAX_HUGE_US;

// The pages of a fresh slab come at once, in one call of the kernel, if its bin has so many
// already; 0 = never. They would come soon anyway, but for those of each such bin's last slab.
inline constexpr unsigned kPopulateFrom = MEM_TUNE_POPULATE_FROM;

// Pages of a span whose objects are fitted.
inline constexpr std::size_t kFitPages = 16;

// Objects and bytes of one slab that wait in a thread's ring before they are sent to its owner.
inline constexpr std::uint32_t kBatchObjects = MEM_TUNE_BATCH;
inline constexpr std::size_t kBatchBytes = std::size_t{16} << 10;

// Whether a bin keeps one empty slab for its next need.
inline constexpr bool kKeepEmpty = MEM_TUNE_KEEP_EMPTY != 0;

// A bin that was not used while its heap grew by this share, and by kIdleFloor pages, gives back
// what it holds before the heap grows further; 0 = never.
inline constexpr std::size_t kIdleShare = MEM_TUNE_IDLE_SHARE;
inline constexpr std::size_t kIdleFloor = 8;
constexpr bool is_grown(std::size_t pages, std::size_t before) noexcept {
  return kIdleShare != 0 && pages >= before + kIdleFloor &&
         pages > before + before / (kIdleShare + (kIdleShare == 0));
}

}  // namespace mem::tuning
