// What a heap holds, part by part: the numbers behind fragmentation. Plain data.
#pragma once

#include <cstdint>

#include "core/mem/size_class.h"

namespace mem {

// Of one bin, or of all slabs. Bytes.
struct SlabStats {
  std::uint64_t slabs = 0;
  std::uint64_t live_objects = 0;
  std::uint64_t live_bytes = 0;    // of live objects, rounded up to their size
  std::uint64_t free_objects = 0;  // handed out once, and held for the bin
  std::uint64_t free_bytes = 0;
  std::uint64_t uncarved_bytes = 0;  // never handed out, mostly never touched
};

// Of fit spans.
struct FitStats {
  std::uint64_t spans = 0;
  std::uint64_t live_objects = 0;
  std::uint64_t live_bytes = 0;       // rounded up to 16
  std::uint64_t free_bytes = 0;       // between them
  std::uint64_t discarded_pages = 0;  // of the free bytes, given back to the kernel
};

struct MemStats {
  SlabStats bins[kBins];
  FitStats fits[2];                    // for sizes up to 1 KiB, and beyond
  std::uint64_t large_live_bytes = 0;  // asked for, in runs of their own
  std::uint64_t large_live = 0;
  std::uint64_t large_pages = 0;
  std::uint64_t used_pages = 0;   // in slabs, fit spans and large blocks
  std::uint64_t dirty_pages = 0;  // free, and still resident
  std::uint64_t clean_pages = 0;  // free, with nothing behind them
  std::uint64_t longest_free_pages = 0;
  std::uint64_t metadata_pages = 0;
  std::uint64_t purged_pages = 0;  // given back so far
};

// Pages that may be resident.
inline std::uint64_t held_pages(const MemStats& stats) noexcept {
  std::uint64_t held = stats.used_pages + stats.dirty_pages + stats.metadata_pages;
  for (const FitStats& fits : stats.fits) held -= fits.discarded_pages;
  return held;
}

}  // namespace mem
