// What stands in the run file when a worker has stopped at a checkpoint to be looked at. Plain
// data.
#pragma once

#include <cstdint>

#include "replay/engine/allocator_books.h"
#include "replay/engine/memory_sample.h"

namespace replay {

struct Snapshot {
  MemorySample sample;
  // Behind the live objects, from the last byte that was asked for to the last usable one, but no
  // further than the page that the object itself has made resident.
  std::uint64_t internal_bytes = 0;
  AllocatorBooks books;
  // For a heap map: how many runs of resident pages stand in the run file, those from before the
  // first event first; more than it has room for if they were too many.
  std::uint64_t baseline_runs = 0;
  std::uint64_t runs = 0;
  bool backed = false;  // memory stands behind the allocator's blocks
};

}  // namespace replay
