// A thread heap: what one thread needs to allocate and free without a lock or an atomic operation.
//
//   bins[b] -> current[b] or loose[b]       whose list serves the next allocation
//   current[b] -> slab: free -> object ...  last in, first out: what was freed last is in the cache
//   loose[b]: free -> object ...            fitted objects of the bin and medium ones of its full
//                                           slabs, handed out like those
//   available[b] -> slab <-> slab           have free objects, or were never carved to the end
//   sparse[b] -> slab <-> slab              the same, and little else: open to other sizes
//   kept[b] -> slab                         empty, kept for the next need
//   kept_run -> span                        the large block that was freed last
//   areas[a] -> table <-> table             spans with objects of any size (fit_table.h)
//   pending -> slab -> slab                 spans that others freed objects of (any thread pushes)
//   ring[16]                                objects of other heaps, freed here, not yet sent
//
// A slab that is full is in none of them: its next free brings it back. Thread heaps are never
// destroyed: when its thread ends a heap waits, at rest, for the next one. Everything but `pending`
// and `is_orphan` belongs to the thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/mem/fit_lists.h"
#include "core/mem/fit_table.h"
#include "core/mem/size_class.h"
#include "core/mem/span.h"
#include "core/mem/tuning.h"

namespace mem {

// Stands for "no slab" in `current`: nothing is ever free in it. Never written.
inline constinit Span no_slab;

// Frees of other heaps' objects, gathered by slab so that one atomic operation sends many.
struct RemoteBatch {
  Span* slab = nullptr;
  FreeObject* head = nullptr;
  FreeObject* tail = nullptr;
  std::uint32_t count = 0;
};

// The fit spans for a range of sizes.
struct FitArea {
  FitLists lists;
  FitTable* growing = nullptr;  // the one whose span has pages that were never used
  FitTable* empty = nullptr;    // one that holds nothing, kept for the next need
  std::size_t free_granules = 0;
  std::size_t sparse_granules = 0;  // that are free in sparse slabs, at least
};

class ThreadHeap {
 public:
  static constexpr std::size_t kRingSlots = 16;

  FreeSource* bins[kBins];
  Span* current[kBins];
  FreeSource loose[kBins] = {};
  std::uint16_t object_bytes[kBins] = {};   // of a bin's next slab; 0 = the bin has none
  std::uint32_t fit_live[kBins] = {};       // live objects of a bin's size in fit spans
  std::uint16_t largest[kMediumBins] = {};  // asked for lately, of a bin beyond 1 KiB
  std::uint16_t cold_uses[kBins] = {};
  std::uint16_t cached[kBins] = {};      // granules that were freed into `loose` since it was empty
  std::uint8_t slab_counts[kBins] = {};  // slabs of a bin now, as far as it counts for their size
  SpanList available[kBins];
  SpanList sparse[kBins];
  std::uint64_t sparse_bins[2] = {};  // which have any
  Span* kept[kBins] = {};
  FitArea areas[2];  // for sizes up to 1 KiB, and beyond: small objects would break up large gaps
  std::size_t owned_pages = 0;
  std::size_t looked_at_pages = 0;    // of the heap when it looked for idle bins last,
  std::uint64_t looks[kBins] = {};    // and what of each bin differs once it was used
  std::size_t most_in_use = 0;        // granules, since all bins were put to rest last
  std::uint64_t discarded_ms = 0;     // when pages in holes were given back last,
  std::size_t in_use_at_discard = 0;  // and granules in use then
  std::size_t cached_granules = 0;
  FitTable* spare_tables = nullptr;
  FitTable* unmade_tables = nullptr;  // memory that was never touched, for so many more
  std::size_t unmade_table_count = 0;
  Span* kept_run = nullptr;  // the large block that was freed last, of state kKept
  RemoteBatch ring[kRingSlots] = {};
  std::uint32_t cold_total = 0;
  const void* untouched = nullptr;  // the object that was last carved out of pages known to be zero
  ThreadHeap* next_orphan = nullptr;  // those whose thread has ended
  alignas(64) std::atomic<Span*> pending{nullptr};
  std::atomic<bool> is_orphan{false};

  constexpr ThreadHeap() noexcept {
    for (FreeSource*& source : bins) source = &no_slab;
    for (Span*& slab : current) slab = &no_slab;
  }

  // An object of a bin without slabs was asked for or freed; true = often, of late.
  bool count_use(unsigned bin) noexcept {
    if (++cold_total % tuning::kColdEpoch == 0) {
      for (std::uint16_t& uses : cold_uses) uses /= 2;
    }
    if (cold_uses[bin] >= tuning::hot_uses(bin >= kFirstMediumBin)) return true;
    ++cold_uses[bin];
    return false;
  }

  // Whether a bin was used since this was asked last, but for so much that all is as it was.
  bool note_look(unsigned bin) noexcept {
    const Span& slab = *current[bin];
    const std::uint64_t look = reinterpret_cast<std::uintptr_t>(bins[bin]->free) ^
                               std::uint64_t{slab.need} << 32 ^ slab.first_page;
    const bool is_used = look != looks[bin];
    looks[bin] = look;
    return is_used;
  }

  // A bin's loose objects are used up.
  void forget_cached(unsigned bin) noexcept {
    cached_granules -= cached[bin];
    cached[bin] = 0;
  }
};

}  // namespace mem
