// Of what an allocator holds when it holds most: what was asked for, and what the rest is.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/launcher.h"

namespace replay {

// Bytes of one part, or why they are not known.
struct KnownPart {
  std::uint64_t bytes = 0;
  std::string why_absent;  // empty: they are known
};

// held = requested + internal + metadata + caches + external. Where one of those in between is not
// known, the rest is not external but unsplit, and external is absent; else unsplit is.
struct HeldSplit {
  std::uint64_t event = 0;
  std::uint64_t held_bytes = 0;
  std::uint64_t requested_bytes = 0;
  KnownPart internal;  // rounding: behind live objects, on pages that they make resident
  KnownPart metadata;  // headers of live blocks among it
  KnownPart caches;    // free blocks that are kept for the next allocation of their size
  KnownPart external;  // free, but held
  KnownPart unsplit;
  KnownPart free_pages;  // of all this, whole pages without a live byte
  std::string told_by;   // which of the allocator's own figures; empty: none
};

// pre: `run` is of Pass::kSnapshot, at that checkpoint of the plan.
HeldSplit held_split(const Plan& plan, std::size_t checkpoint, const RunOutcome& run);

}  // namespace replay
