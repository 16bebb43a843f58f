// What an allocreplay process and its worker share during one repetition: a memory file, mapped by
// both, that holds the request, the worker's tables and its results. Plain data only.
//
//   +-----------+------------+------------------+-----------------+------------+
//   | RunHeader | LaneRun [] | uint64 pauses[]  | MemorySample [] | histograms |
//   +-----------+------------+------------------+-----------------+------------+
//   | LatencyDetail [] (kLatency) | CallCounts [] (kCallCounters) | ExplainedCall [] (kExplain) |
//   +-----------------------------+-------------------------------+-----------------------------+
//   | LiveObject [] | page cells [] | SoakTurn [] (kSoak) | PageRun [] (kSnapshot, heap map) |
//   +---------------+---------------+---------------------+----------------------------------+
//   | void* slots[] |
//   +---------------+
//
// It is mapped shared, and populated before anything is measured: none of it is anonymous memory,
// so the anonymous pages that a worker gains are the allocator's. Of a streamed plan's slots, only
// as many are populated as there are by then.
//
// pauses: for each checkpoint, the word of each lane's stream that comes after it (kAllWords until
// a streamed plan has got there); kNobody is added where no thread of the lane has events on both
// sides of it. histograms: for each lane one a LatencyKind and Op. LatencyDetail and
// CallCounts: one for each lane. ExplainedCall: by lane, then by event. LiveObject, one a slot, and
// the cells of PageCounts: where live objects are accounted for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/engine/call_counts.h"
#include "replay/engine/explained_call.h"
#include "replay/engine/idle.h"
#include "replay/engine/latency_detail.h"
#include "replay/engine/live_objects.h"
#include "replay/engine/memory_call.h"
#include "replay/engine/memory_sample.h"
#include "replay/engine/perf_counters.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/resident_pages.h"
#include "replay/engine/snapshot.h"
#include "replay/engine/soak.h"
#include "replay/engine/tick_histogram.h"
#include "replay/trace/event.h"

namespace replay {

enum class Pass : std::uint32_t {
  kThroughput,
  kLatency,
  kMemory,
  kInstructions,  // by a tool that counts them; see is_repeatable()
  kCounters,      // hardware counters, where there are any
  kExplain,       // a second look at single calls
  kKernelWork,    // page faults and calls for memory, natively
  kSnapshot,      // up to a checkpoint, to look at what is there
  kTrimmed,       // kMemory, with malloc_trim after the last event
  kSoak,          // the measured part of a closed plan, over and over
  kCallCounters,  // hardware counters around single calls
};
inline constexpr int kPassCount = 11;

constexpr const char* pass_name(Pass pass) {
  constexpr const char* kNames[kPassCount] = {
      "throughput",  "latency",  "memory",  "instructions", "counters",     "explain",
      "kernel-work", "snapshot", "trimmed", "soak",         "call-counters"};
  return kNames[static_cast<int>(pass)];
}

// Passes whose figures are to be the same in every run: the worker's addresses are not randomised,
// and its allocator's clock stands still (still_clock.h).
constexpr bool is_repeatable(Pass pass) {
  return pass == Pass::kInstructions || pass == Pass::kKernelWork;
}

// Passes that look at the process's memory at each checkpoint.
constexpr bool samples_memory(Pass pass) {
  return pass == Pass::kMemory || pass == Pass::kTrimmed || pass == Pass::kKernelWork;
}

// Passes that count the calls for memory (memory_calls.h), which takes time.
constexpr bool counts_memory_calls(Pass pass) {
  return pass == Pass::kMemory || pass == Pass::kTrimmed || pass == Pass::kExplain ||
         pass == Pass::kKernelWork;
}

// How much of each object the replay writes to after it got it. kRecorded is kPage for as many
// pages as the plan says that the recorded program touched.
enum class Touch : std::uint32_t { kNone, kPage, kAll, kRecorded };

enum class WorkerStatus : std::uint32_t {
  kNotStarted,
  kRunning,
  kDone,
  kUnknownAllocator,
  kCannotMap,
  kCannotStartThread,
};

// Service: how long a call took. Response, only where the replay keeps to recorded times: from when
// the call was due until it was done.
enum class LatencyKind : std::uint32_t { kService, kResponse };
inline constexpr int kLatencyKindCount = 2;

// Of pauses: no thread of the lane has events on both sides.
inline constexpr std::uint64_t kNobody = std::uint64_t{1} << 63;
static_assert((kAllWords & kNobody) == 0);

// Passes that know of each live object where it is (live_objects.h).
constexpr bool accounts_for_objects(Pass pass) {
  return pass == Pass::kMemory || pass == Pass::kSnapshot || pass == Pass::kTrimmed;
}

struct RunHeader {
  // request
  Pass pass;
  Touch touch;
  double pace;  // recorded times are replayed times this; 0: as fast as can be
  std::uint64_t word_count;
  std::uint64_t lane_count;
  std::uint64_t slot_count;
  std::uint64_t pause_count;        // checkpoints; the first starts the measured part
  std::uint64_t explained_count;    // kExplain
  std::uint64_t page_cell_count;    // a power of two; 0 if objects are not accounted for
  std::uint64_t snapshot_pause;     // kSnapshot: the checkpoint
  std::uint64_t turn_count;         // kSoak
  std::uint64_t page_run_capacity;  // kSnapshot: 0 if no heap map is wanted
  Idle idle;                        // kMemory, kTrimmed: after the last event
  bool count_by_perf;               // kInstructions: else a tool around the worker counts
  bool streamed;                    // the plan is being made while it is replayed (plan_feed.h)
  int hungry_fd;                    // streamed: eventfd that the worker writes to when it wants
  int fed_fd;                       // more, and the one that it then waits for
  char allocator[64];  // name of a registered allocator; "glibc" is the process's malloc
  // progress
  WorkerStatus status;
  std::uint64_t slots_ready;  // that the words use that are ready
  // results
  std::uint64_t elapsed_ns;    // kThroughput: the measured part
  double ns_per_tick;          // kLatency
  double timer_cost_ns;        // kLatency: of an empty window
  double timer_resolution_ns;  // kLatency: steps of the clock
  bool timer_is_tsc;
  std::uint64_t minor_faults;
  std::uint64_t major_faults;
  MemorySample baseline;           // before the first event, of passes that sample memory
  bool usable_known;               // kMemory: the allocator tells usable bytes
  bool occupied_known;             // kMemory
  Snapshot snapshot;               // kSnapshot
  std::uint64_t high_water_bytes;  // kMemory: growth of the kernel's high-water mark
  bool memory_calls_counted;
  std::uint64_t memory_calls[kMemoryCallCount];
  bool addresses_fixed;  // the kernel did not randomise them
  CounterReading counters[kCounterCount];
  char malloc_object[512];  // file that the process's malloc comes from
};

// One lane's part (plan_layout.h) and what came of it. What the lane writes while others run lies
// apart from what others read, so that cache lines do not go to and fro.
struct alignas(128) LaneRun {
  // Request; of a streamed plan, of what is ready. Offsets are in words of the plan's memory, such
  // that those of words and times that are gone may be below 0 (modulo 2^64).
  std::uint64_t first_word;
  std::uint64_t word_count;   // 0 of a streamed plan
  std::uint64_t words_ready;  // the lane's, up to now; kAllWords unless streamed
  std::uint64_t event_count;
  std::uint64_t warmup_events;  // 0 until the measured part has begun
  std::uint64_t first_due;
  bool goes_on;  // streamed: a thread has events before the end of what is ready and after it
  // progress
  std::uint64_t words_done;
  // results
  std::uint64_t failed_allocations;  // warm-up included; the rest is of the measured part
  std::uint64_t end_ns;              // when the last event was done, on the clock of timer.h
  std::uint64_t waits_blocked;       // that did not find done what they wait for
  std::uint64_t waits_slept;         // of these, those that outlasted the spinning
  std::uint64_t waited_ns;
  std::uint64_t busy_ns;     // between waits
  double overlapped_events;  // executed while another lane was between waits too
  // The worker's own (crew.cc); the end of a thread also comes from who makes a streamed plan,
  // while all threads stand still.
  std::uint64_t resumed_ns;
  std::uint64_t resumed_overlap_ns;
  std::uint64_t resumed_event;
  std::uint64_t seen_event;
  std::uint64_t thread;  // pthread_t
  std::uint64_t thread_begin;
  std::uint64_t thread_end;
  std::uint64_t thread_first_event;
  std::uint64_t thread_end_event;
  std::uint64_t thread_next_pause;
  void* crew;
  bool has_thread;
  // Twice the words that are done, plus 1 if somebody sleeps until there are more; and the same of
  // the checkpoints that the lane has come to and stays at, and of the times that it ran out of
  // words.
  alignas(128) std::uint64_t reached;
  std::uint64_t paused;
  std::uint64_t ran_out;
};

constexpr std::size_t run_lanes_offset() {
  return (sizeof(RunHeader) + alignof(LaneRun) - 1) / alignof(LaneRun) * alignof(LaneRun);
}
constexpr std::size_t run_pauses_offset(const RunHeader& h) {
  return run_lanes_offset() + h.lane_count * sizeof(LaneRun);
}
constexpr std::size_t run_samples_offset(const RunHeader& h) {
  return run_pauses_offset(h) + h.pause_count * h.lane_count * sizeof(std::uint64_t);
}
constexpr std::size_t run_histograms_offset(const RunHeader& h) {
  return run_samples_offset(h) + h.pause_count * sizeof(MemorySample);
}
constexpr std::size_t kHistogramsOfLane = std::size_t{kLatencyKindCount} * kOpCount;
constexpr std::size_t run_details_offset(const RunHeader& h) {
  return run_histograms_offset(h) + h.lane_count * kHistogramsOfLane * sizeof(TickHistogram);
}
constexpr std::size_t run_call_counts_offset(const RunHeader& h) {
  return run_details_offset(h) +
         (h.pass == Pass::kLatency ? h.lane_count * sizeof(LatencyDetail) : 0);
}
constexpr std::size_t run_explained_offset(const RunHeader& h) {
  return run_call_counts_offset(h) +
         (h.pass == Pass::kCallCounters ? h.lane_count * sizeof(CallCounts) : 0);
}
constexpr std::size_t run_objects_offset(const RunHeader& h) {
  return run_explained_offset(h) + h.explained_count * sizeof(ExplainedCall);
}
// Slots whose objects are accounted for: all or none.
constexpr std::uint64_t accounted_slots(const RunHeader& h) {
  return h.page_cell_count > 0 ? h.slot_count : 0;
}
constexpr std::size_t run_page_cells_offset(const RunHeader& h) {
  return run_objects_offset(h) + accounted_slots(h) * sizeof(LiveObject);
}
constexpr std::size_t run_turns_offset(const RunHeader& h) {
  return run_page_cells_offset(h) + h.page_cell_count * sizeof(std::uint64_t);
}
constexpr std::size_t run_page_runs_offset(const RunHeader& h) {
  return run_turns_offset(h) + h.turn_count * sizeof(SoakTurn);
}
constexpr std::size_t run_slots_offset(const RunHeader& h) {
  return run_page_runs_offset(h) + h.page_run_capacity * sizeof(PageRun);
}
constexpr std::size_t run_total_bytes(const RunHeader& h) {
  return run_slots_offset(h) + h.slot_count * sizeof(void*);
}

}  // namespace replay
