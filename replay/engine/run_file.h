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

  // Of the plan's words, 0 to 1.
  double share_done() const;

  // pre: the worker is done.
  RunOutcome outcome() const;

 private:
  LaneRun* lanes() const { return reinterpret_cast<LaneRun*>(base_ + run_lanes_offset()); }
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
