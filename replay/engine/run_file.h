// The memory file of one repetition (run_layout.h) as allocreplay sees it: writes the request,
// reads what came of it.
#pragma once

#include <cstddef>
#include <vector>

#include "replay/engine/launcher.h"
#include "replay/engine/plan.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/unique_fd.h"

namespace replay {

class RunFile {
 public:
  // Throws Error if there is no memory for it.
  RunFile(const Plan& plan, const RunRequest& request);
  ~RunFile();
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;

  int fd() const { return fd_.get(); }
  char* base() const { return base_; }
  const RunHeader& header() const { return *reinterpret_cast<const RunHeader*>(base_); }

  // Of the plan's words, 0 to 1. pre: the plan is not streamed.
  double share_done() const;

  LaneRun* lanes() const { return reinterpret_cast<LaneRun*>(base_ + run_lanes_offset()); }

  // Of a streamed plan. Before the run: where worker and feed wait for each other.
  void set_event_fds(int hungry, int fed);
  // Checkpoint `i` is at that word of the lane.
  void set_pause(std::uint64_t i, std::size_t lane, std::uint64_t word);
  // The words that are ready use so many slots.
  void set_slots_ready(std::uint64_t slots);

  // pre: the worker is done.
  RunOutcome outcome() const;

 private:
  RunHeader& mutable_header() { return *reinterpret_cast<RunHeader*>(base_); }
  void write_lanes(const Plan& plan);
  void write_pauses(const Plan& plan);
  void add_lanes(RunOutcome& out) const;
  void add_heap(RunOutcome& out) const;
  std::vector<TickHistogram> histograms(LatencyKind kind) const;

  UniqueFd fd_;
  char* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace replay
