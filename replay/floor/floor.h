// What no allocator can beat on a trace: the least memory that it could be served with.
//
//   live       the most bytes live at once. A bound for all.
//   aligned    the same with each object rounded up to 16 bytes, and to 16 if it is of none. A
//   bound
//              for all that align to 16 bytes and put nothing into the rest.
//   packing    an address for each object, found knowing the whole trace (packing.h); it says how
//              much of the gap between `aligned` and an allocator is a lack of foresight alone
//   classes    the most bytes live with each object rounded up to a size class; and the most pages,
//              if a page holds objects of one class only. Bounds for all that use those classes
//              (the first), in slabs of whole pages (the second).
//
// Pages are those that hold a live byte, at the moment when they are most: a page given back when
// nothing in it is live does not count, one that is only partly used does in full. A block that was
// never written needs no page, so these are floors for programs that write what they ask for.
//
// Not thread-safe. O(log live) an event and O(n log n) for packing n lives; memory is 32 bytes a
// life and what is live. Throws Error as the reader does, and where the trace contradicts itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/floor/class_table.h"
#include "replay/floor/packing.h"
#include "replay/trace/reader.h"

namespace replay {

struct FloorOptions {
  // Events [from, to) count; what is live before `from` is live at its start.
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
  std::uint64_t page_bytes = 4096;  // a multiple of 16
  std::vector<ClassTable> tables = {};
};

// The most there was, and the event after which it was so.
struct Peak {
  std::uint64_t amount = 0;
  std::uint64_t event = 0;
};

struct ClassFloor {
  std::string table;
  Peak bytes;
  Peak pages;
};

struct Floor {
  std::uint64_t page_bytes = 0;
  std::uint64_t first_event = 0;
  std::uint64_t last_event = 0;  // exclusive
  std::uint64_t lives = 0;       // births, resizes and what was live at the start
  Peak live_bytes;
  Peak aligned_bytes;
  BestPacking packing;
  std::vector<ClassFloor> classes;  // one a table

  std::uint64_t pages_of(std::uint64_t bytes) const {
    return (bytes + page_bytes - 1) / page_bytes;
  }
  std::uint64_t packing_bytes() const { return packing.size.height * kGranuleBytes; }
};

// `progress` gets the share of the work done, 0 to 1, and what is being done.
using FloorProgress = std::function<void(double, const char*)>;

// Reads from where `reader` stands, which is the start.
Floor find_floor(TraceReader& reader, const FloorOptions& options, const FloorProgress& progress);

}  // namespace replay
