// The heap map: at one moment, every page that an allocator holds with the live bytes on it, and
// what keeps the sparse ones from being given back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay/engine/launcher.h"

namespace replay {

// A page with less than this share of live bytes is sparse.
inline constexpr double kSparseShare = 0.25;

struct HeapObject {
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t birth_event = 0;  // of the trace
};

struct HeapPage {
  std::uint64_t address = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t objects = 0;  // with a byte on it
  bool resident = false;
};

struct SparsePage {
  std::uint64_t address = 0;
  std::uint64_t live_bytes = 0;
  std::vector<HeapObject> objects;  // that pin it, ascending by address
};

struct HeapMap {
  std::string moment;  // as it was asked for
  std::uint64_t event = 0;
  std::uint64_t page_size_bytes = 4096;
  std::vector<HeapPage> pages;     // with a live byte, ascending
  std::vector<PageRun> free_runs;  // resident without one, ascending
  std::vector<SparsePage> sparse;  // resident ones, ascending
  std::string why_absent;          // empty: it is there
};

// pre: `run` is of Pass::kSnapshot for a heap map, at that checkpoint of the plan, which has one
// lane. O(n log n) in live objects and pages.
HeapMap heap_map(const Plan& plan, std::size_t checkpoint, const std::string& moment,
                 const RunOutcome& run);

}  // namespace replay
