// Runs one repetition in a fresh worker process and collects what it measured.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/engine/plan.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/subject.h"

namespace replay {

struct RunRequest {
  Subject subject;
  Pass pass = Pass::kThroughput;
  Touch touch = Touch::kPage;
  int cpu = 0;      // a worker of one lane is pinned to it
  double pace = 0;  // factor of the recorded times, of a timed plan; 0: as fast as can be
};

// How the lanes of a replay got on beside each other, in the measured part.
struct Concurrency {
  std::uint64_t waits_blocked = 0;  // waits for another lane that did not find it done
  std::uint64_t waits_slept = 0;    // of these, those that outlasted the spinning
  std::uint64_t waited_ns = 0;      // of all lanes together, waits for a thread's end included
  std::uint64_t busy_ns = 0;        // of all lanes together, between waits
  double overlapped_events = 0;     // executed while another lane was between waits too
};

// What a worker measured; which fields mean something depends on the pass (run_layout.h).
struct RunOutcome {
  std::uint64_t elapsed_ns = 0;
  double ns_per_tick = 0;
  double timer_cost_ns = 0;
  bool timer_is_tsc = false;
  std::uint64_t failed_allocations = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  MemorySample baseline{};
  std::uint64_t high_water_bytes = 0;
  bool memory_calls_counted = false;
  std::array<std::uint64_t, kMemoryCallCount> memory_calls{};
  std::string malloc_object;
  std::vector<MemorySample> samples;      // one a checkpoint of the plan
  std::vector<TickHistogram> histograms;  // one an Op, of all lanes
  std::vector<TickHistogram> responses;   // the same from when a call was due; empty without pace
  Concurrency concurrency;                // kThroughput, of plans of several lanes
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
