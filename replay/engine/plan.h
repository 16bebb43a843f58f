// Compiles a trace, or a range of its events, to a plan that a worker replays without looking
// anything up. The plan lies in a memory file that every worker process of a run maps.
//
// A plan is for one thread: the events of all recorded threads in recorded order. Compiling costs
// O(events) time, 8 bytes an event in the memory file, and 4 bytes an object while it lasts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "replay/engine/recorded_touch.h"
#include "replay/engine/unique_fd.h"
#include "replay/trace/reader.h"

namespace replay {

// Events [from, to) of a trace. What comes before `from` is replayed as well, but not measured, so
// that the allocator is in the state that the recorded program had brought it to.
struct EventRange {
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
};

// A place between two events where the worker may pause to take samples.
struct Checkpoint {
  std::uint64_t word = 0;        // offset of the next event in the plan, in words
  std::uint64_t event = 0;       // events replayed so far
  std::uint64_t live_bytes = 0;  // requested bytes of the objects that are live here
  std::uint64_t live_objects = 0;
};

struct Plan {
  UniqueFd memory;  // word_count words
  std::uint64_t word_count = 0;
  std::uint64_t slot_count = 0;
  std::uint64_t event_count = 0;  // warm-up included
  std::uint64_t warmup_events = 0;
  std::uint64_t op_counts[kOpCount] = {};  // of the measured events
  // Ascending; the first is the start of the measured part, the last its end, and one stands
  // right after the event that made the live bytes largest (within the measured part).
  std::vector<Checkpoint> checkpoints;
  std::size_t peak_live = 0;  // index of that one
  std::string truncation;     // why the trace ended early, if it did
};

// Throws Error where the trace breaks its own rules (an object freed twice, never born, ...), is
// damaged, or has no event in the range. `parts` (recorded_touch.h) make it a plan for
// Touch::kRecorded, which may be replayed with that alone.
Plan compile_plan(TraceReader& trace, EventRange range, std::span<const TouchedPart> parts = {});

}  // namespace replay
