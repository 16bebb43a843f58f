// Compiles a trace, or a range of its events, to a plan that a worker replays without looking
// anything up. The plan lies in a memory file that every worker process of a run maps.
//
// The events of each thread make a stream of their own (plan_layout.h). Between the streams stand
// only the waits without which the replay would not be the trace: an object is freed or resized
// after the event that made it or resized it before, its slot is used again after it was freed, and
// a thread begins after those have ended whose last event comes before its first one. Each wait is
// for an event that was recorded earlier, so the earliest event not yet replayed never waits: no
// plan can lock up.
//
// Compiling costs O(events) time, O(lanes) for each wait, 8 bytes an event in the memory file (16
// with times), and some 50 bytes an object that is live while it lasts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "replay/engine/checkpoint_list.h"
#include "replay/engine/recorded_touch.h"
#include "replay/engine/thread_lives.h"
#include "replay/engine/unique_fd.h"
#include "replay/trace/reader.h"

namespace replay {

// Events [from, to) of a trace. What comes before `from` is replayed as well, but not measured, so
// that the allocator is in the state that the recorded program had brought it to.
struct EventRange {
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
};

struct PlanOptions {
  ThreadChoice threads = {};
  bool timed = false;  // when each event was recorded, for replays that keep to it
  // They make it a plan for Touch::kRecorded, which may be replayed with that alone.
  std::span<const TouchedPart> parts = {};
  // The measured part ends with events that bring back the objects that were live where it began,
  // so that it may be replayed again and again: what was born in it and still lives is freed, what
  // it freed is allocated anew, with malloc, and what it resized gets its size back. One lane only.
  bool closed = false;
  // Places at which a checkpoint must stand, as Checkpoint::event; ascending. Those outside the
  // measured part are left out.
  std::vector<std::uint64_t> stops = {};
};

// One lane's part of the memory file; offsets and counts are in words.
struct LanePlan {
  std::uint64_t first_word = 0;
  std::uint64_t word_count = 0;
  std::uint64_t event_count = 0;    // warm-up included
  std::uint64_t warmup_events = 0;  // of this lane
  std::uint64_t first_due = 0;      // a word for each measured event, if the plan is timed
  std::vector<ThreadLife> threads;  // that live in the lane one after the other
};

// What a streamed plan is compiled from, for each run anew.
struct PlanSource {
  std::string trace;  // as TraceReader takes it
  EventRange range;
  ThreadChoice threads;
  ThreadLives lives;
  bool is_known = false;  // slots, checkpoints, operations and peak; see learn()
};

struct Plan {
  std::optional<PlanSource> source;  // of a streamed plan, which has no memory (plan_feed.h)
  UniqueFd memory;                   // word_count words
  std::uint64_t word_count = 0;      // and times, of all lanes; of a streamed plan, at a time
  std::uint64_t slot_count = 0;
  std::uint64_t most_live_bytes = 0;  // requested, at any moment of the recording up to the end
  std::uint64_t event_count = 0;      // warm-up included
  std::uint64_t warmup_events = 0;
  std::uint64_t op_counts[kOpCount] = {};  // of the measured events
  std::vector<LanePlan> lanes;             // one at least; lane 0 is the first thread's
  std::uint32_t thread_count = 1;          // that the replay has in all
  std::uint64_t edges_found = 0;           // orders between events of two threads
  std::uint64_t edges_enforced = 0;        // of these, the waits that imply the rest
  bool timed = false;
  std::uint64_t duration_ns = 0;  // recorded, of the measured events; 0 if not timed
  // Ascending; the first is the start of the measured part, the last its end, and one stands
  // right after the event that made the live bytes largest (within the measured part).
  std::vector<Checkpoint> checkpoints;
  std::size_t peak_live = 0;  // index of that one
  std::string truncation;     // why the trace ended early, if it did

  // The index of the checkpoint there, or nothing.
  std::optional<std::size_t> checkpoint_at(std::uint64_t event) const;

  // True if a thread of that lane has events before and after the checkpoint. Lane 0: always.
  bool lane_is_alive(std::size_t lane, const Checkpoint& at) const;
};

// Throws Error where the trace breaks its own rules (an object freed twice, never born, ...), is
// damaged, has no event in the range, or has too many threads alive at once.
Plan compile_plan(TraceReader& trace, EventRange range, const PlanOptions& options = {});

}  // namespace replay
