// Streamed plans: too large to keep, so they are compiled for each run anew, a window at a time.
//
//   allocreplay (PlanFeed)                       worker (plan_front.h)
//     compiles a window, writes its words  --->    replays them
//     waits                                        stops what it measures, asks for more
//     compiles the next in its place       <---    waits
//
// They take turns, so nothing is compiled while something is measured, and there is one window: the
// words, and times, of some events in a row, each lane's by themselves. All threads of the worker
// meet at its end, so no lane gets further ahead of another than that. Words are counted from the
// first of the lane all the same.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/plan.h"
#include "replay/engine/plan_compiler.h"
#include "replay/engine/run_file.h"
#include "replay/engine/unique_fd.h"

namespace replay {

// Whether a plan of these events, 8 bytes each and 16 with times, would take more than `most_bytes`
// and can be streamed: the trace says that it is complete, and the options ask for nothing that has
// to be known beforehand. Passes whose figures repeat (is_repeatable) need the whole plan all the
// same.
bool is_to_be_streamed(const TraceReader& trace, EventRange range, const PlanOptions& options,
                       std::uint64_t most_bytes);

// Reads the header and, for more than one thread, who made the events (find_thread_lives). Of the
// checkpoints, slots, operations, edges and the peak nothing is known until learn(). Throws Error
// if the range has no event.
Plan streamed_plan(const std::string& trace_name, TraceReader& trace, EventRange range,
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
  std::uint64_t words_held();
  void note_checkpoints();
  void hand_out();
  void tell_late_ends();
  std::uint64_t put(WordStream& words, std::uint64_t& at);

  const Plan& plan_;
  RunFile& run_;
  TraceReader trace_;
  PlanCompiler compiler_;
  UniqueFd memory_;
  UniqueFd hungry_;
  UniqueFd fed_;
  std::size_t next_checkpoint_ = 0;
};

}  // namespace replay
