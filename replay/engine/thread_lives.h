// From when to when each thread of a replay lives, and in which lane.
//
// A trace does not say when a thread began and ended: its first and its last event stand for it.
// Threads whose lives do not overlap share a lane, so there are as many lanes as threads ever alive
// at once; the lane that has been empty longest is taken first. Thread 0 keeps lane 0 for itself.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/trace/reader.h"

namespace replay {

struct ThreadLife {
  std::uint64_t first_event = UINT64_MAX;  // UINT64_MAX: no event
  std::uint64_t last_event = 0;
  std::uint32_t lane = 0;
};

// The threads of a replay: one for each recorded thread, or `workers` that take the recorded ones
// in turn (recorded thread t is replayed by t modulo `workers`).
struct ThreadChoice {
  static constexpr std::uint32_t kAsRecorded = 0;
  std::uint32_t workers = 1;

  std::uint32_t thread_of(std::uint32_t recorded) const {
    return workers == kAsRecorded ? recorded : recorded % workers;
  }
};

struct ThreadLives {
  std::vector<ThreadLife> threads;
  std::uint32_t lane_count = 1;
};

// Of the events before `end`. If more than one thread may be in the trace, reads who made them, and
// leaves it at its first event. O(events) time, O(threads) memory. Throws Error as the reader does,
// and if too many threads are alive at once. pre: the trace stands at its first event.
ThreadLives find_thread_lives(TraceReader& trace, std::uint64_t end, ThreadChoice choice);

// Gives each thread its lane; the threads stand in the order of their first events or have none.
void assign_lanes(ThreadLives& lives);

}  // namespace replay
