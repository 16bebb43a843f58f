// A replay up to a checkpoint, where the worker is looked at and ends (snapshot.h). What is asked
// of the allocator there may make it allocate, so nothing is replayed after it.
//
// For the worker: no C++ library.
#pragma once

#include <unistd.h>

#include <cstring>

#include "replay/engine/memory_pass.h"
#include "replay/engine/snapshot.h"

namespace replay {

// Behind an object that was touched to its end, up to that end's page: what is usable but was not
// asked for.
inline std::uint64_t internal_bytes(const LiveObject& object, std::uint64_t page_bytes) {
  if (object.size == 0) return 0;
  const std::uint64_t end = reinterpret_cast<std::uintptr_t>(object.address) + object.size;
  const std::uint64_t to_page_end = (page_bytes - end % page_bytes) % page_bytes;
  const std::uint64_t unasked = object.usable > object.size ? object.usable - object.size : 0;
  return unasked < to_page_end ? unasked : to_page_end;
}

// All threads stand still.
inline void take_snapshot(const Stage& stage, const MemoryRecorder& recorder) {
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  Snapshot& snapshot = stage.run->snapshot;
  snapshot.backed = stage.allocator.table().backed;
  snapshot.sample = recorder.sample();
  if (stage.run->page_run_capacity > 0) {
    const std::uint64_t baseline = snapshot.baseline_runs;
    const std::uint64_t room =
        baseline < stage.run->page_run_capacity ? stage.run->page_run_capacity - baseline : 0;
    snapshot.runs = baseline + find_resident_pages(stage.page_runs + baseline, room);
  }
  LiveTotals live;
  for (std::uint64_t i = 0; i < accounted_slots(*stage.run); ++i) {
    const LiveObject& object = stage.objects[i];
    if (object.address == nullptr) continue;
    ++live.objects;
    live.usable_bytes += object.usable;
    snapshot.internal_bytes += internal_bytes(object, page_bytes);
  }
  recorder.say_what_is_known();
  if (is_process_malloc(*stage.run)) snapshot.books = read_malloc_books(live);
}

struct SnapshotPass : MemoryPass {
  void at_pause(std::uint64_t i) const {
    if (i != stage.run->snapshot_pause) return;
    take_snapshot(stage, recorder);
    stage.run->status = WorkerStatus::kDone;
    ::_exit(0);
  }
};

// Does not return, but for false if there is no memory for it.
inline bool run_snapshot(const Stage& stage) {
  MemoryRecorder recorder(stage);
  SnapshotPass pass{{stage, recorder}};
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  stage.run->baseline = sample_memory();
  if (stage.run->page_run_capacity > 0) {
    stage.run->snapshot.baseline_runs =
        find_resident_pages(stage.page_runs, stage.run->page_run_capacity);
  }
  replay.run();
  return false;
}

}  // namespace replay
