// Streamed plans: too large to keep, so they are compiled for each run anew, a window at a time.
//
//   allocreplay (PlanFeed)                       worker (plan_front.h)
//     compiles a window, writes its words  --->    replays them
//     waits                                        stops what it measures, asks for more
//     compiles the next in its place       <---    waits
//
// They take turns, so nothing is compiled while something is measured, and there is one window.
// Words are counted from the first of the plan all the same.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/plan.h"
#include "replay/engine/plan_compiler.h"
#include "replay/engine/run_file.h"
#include "replay/engine/unique_fd.h"

namespace replay {

// Whether a plan of these events would take more than `most_bytes` and can be streamed: the trace
// is whole, one thread replays, and the options ask for nothing that has to be known beforehand.
bool is_to_be_streamed(const TraceReader& trace, EventRange range, const PlanOptions& options,
                       std::uint64_t most_bytes);

// Reads nothing but the header. Of the checkpoints, slots, operations and the peak nothing is known
// until learn(). Throws Error if the range has no event.
Plan streamed_plan(const std::string& trace_name, const TraceReader& trace, EventRange range,
                   const PlanOptions& options, std::uint64_t most_bytes);

// What the first run found out (RunOutcome::compiled), as if the plan had been compiled beforehand.
void learn(Plan& plan, const Plan& compiled);

// Of one run.
class PlanFeed {
 public:
  // pre: plan and run outlive it. Throws Error if it cannot read the trace or has no memory.
  PlanFeed(const Plan& plan, RunFile& run);

  int plan_fd() const { return memory_.get(); }
  int hungry_fd() const { return hungry_.get(); }  // readable when the worker wants more
  int fed_fd() const { return fed_.get(); }

  // The worker wants more. Throws Error as compile_plan() does.
  void serve();

  // Of the events, compiled so far; 0 to 1.
  double share_done() const;

  // pre: the worker is done.
  Plan finish() { return compiler_.finish(); }

 private:
  void compile_window();
  void note_checkpoints();
  void write_words();

  const Plan& plan_;
  RunFile& run_;
  TraceReader trace_;
  PlanCompiler compiler_;
  UniqueFd memory_;
  UniqueFd hungry_;
  UniqueFd fed_;
  std::uint64_t first_word_ = 0;  // of the window
  std::size_t next_checkpoint_ = 0;
};

}  // namespace replay
