// Runs one repetition in a fresh worker process and collects what it measured.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/engine/call_counts.h"
#include "replay/engine/callgrind.h"
#include "replay/engine/instruction_source.h"
#include "replay/engine/plan.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/subject.h"

namespace replay {

struct RunRequest {
  Subject subject;
  Pass pass = Pass::kThroughput;
  Touch touch = Touch::kPage;
  int cpu = 0;                              // a worker of one lane is pinned to it
  double pace = 0;                          // factor of the recorded times; 0: as fast as can be
  InstructionSource source{};               // Pass::kInstructions
  std::vector<ExplainedCall> to_explain{};  // Pass::kExplain; ascending by lane and event
  std::uint64_t turns = 0;                  // Pass::kSoak
  std::vector<std::uint32_t> idle_ms{};     // Pass::kMemory and kTrimmed: Idle::after_ms
  bool maps_heap = false;                   // Pass::kSnapshot
  std::size_t snapshot_at = 0;              // Pass::kSnapshot: a checkpoint of the plan
};

// How the lanes of a replay got on beside each other, in the measured part.
struct Concurrency {
  std::uint64_t waits_blocked = 0;  // waits for another lane that did not find it done
  std::uint64_t waits_slept = 0;    // of these, those that outlasted the spinning
  std::uint64_t waited_ns = 0;      // of all lanes together, waits for a thread's end included
  std::uint64_t busy_ns = 0;        // of all lanes together, between waits
  double overlapped_events = 0;     // executed while another lane was between waits too
};

// What a latency pass kept beside its histograms (latency_detail.h), of all lanes.
struct LatencyCell {
  Op op;
  unsigned size_class;
  bool special;
  ClassHistogram histogram;
};
struct LatencyParts {
  std::vector<LatencyCell> cells;  // none empty; by operation, class, and ordinary before special
  std::vector<LongCall> longest;   // in no order
  std::array<std::uint64_t, kDisturbanceCount> disturbed{};
  std::array<std::uint64_t, kOpCount> disturbed_by_op{};
  ClassHistogram disturbed_windows{};
  bool preemptions_seen = false;
  bool first_touch_known = false;
};

// What a worker measured; which fields mean something depends on the pass (run_layout.h).
struct RunOutcome {
  std::uint64_t elapsed_ns = 0;
  double ns_per_tick = 0;
  double timer_cost_ns = 0;
  double timer_resolution_ns = 0;
  bool timer_is_tsc = false;
  std::uint64_t failed_allocations = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  MemorySample baseline{};
  bool usable_known = false;    // kMemory: MemorySample::usable_bytes
  bool occupied_known = false;  // kMemory: MemorySample::occupied_pages
  std::uint64_t high_water_bytes = 0;
  Idle idle;          // kMemory, kTrimmed
  Snapshot snapshot;  // kSnapshot
  bool memory_calls_counted = false;
  std::array<std::uint64_t, kMemoryCallCount> memory_calls{};
  bool addresses_fixed = false;
  std::array<CounterReading, kCounterCount> counters{};
  CallCounts call_counts{};                      // kCallCounters, of all lanes
  std::optional<InstructionCount> instructions;  // kInstructions
  std::string malloc_object;
  std::vector<LiveObject> live_objects;   // kSnapshot, for a heap map
  std::vector<PageRun> page_runs;         // the same; Snapshot says which
  std::vector<SoakTurn> turns;            // kSoak
  std::vector<MemorySample> samples;      // samples_memory(pass): one a checkpoint of the plan
  std::vector<TickHistogram> histograms;  // one an Op, of all lanes
  std::vector<TickHistogram> responses;   // the same from when a call was due; empty without pace
  LatencyParts latency;                   // kLatency, as fast as can be
  std::vector<ExplainedCall> explained;   // kExplain: those that were asked for
  Concurrency concurrency;                // kThroughput, of plans of several lanes
  std::shared_ptr<const Plan> compiled;   // of a streamed plan, all but the words: see learn()

  // Above the baseline, at the i-th time of `idle`.
  std::uint64_t idle_resident_bytes(std::size_t i) const {
    const std::uint64_t bytes = idle.anonymous_bytes[i];
    return bytes > baseline.anonymous_bytes ? bytes - baseline.anonymous_bytes : 0;
  }
};

// Called about ten times a second with the share of the repetition that is done, 0 to 1.
using ProgressFn = std::function<void(double)>;

class Launcher {
 public:
  explicit Launcher(std::string program_dir) : program_dir_(std::move(program_dir)) {}

  // Throws Error if the worker cannot be started, ends early (its last words are shown), or the
  // library to preload did not take over malloc.
  RunOutcome run(const Plan& plan, const RunRequest& request, const ProgressFn& progress) const;

 private:
  std::string program_dir_;
};

// The last CPU that this process may run on; the first ones serve most interrupts.
int pick_cpu();

}  // namespace replay
