// Further runs of a replay that look at an allocator's memory: those that stop at a checkpoint to
// see what it holds there, and those that repeat the measured part. One of each for every allocator
// of the result, which they complete.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/session.h"
#include "replay/report/result.h"

namespace replay::cli {

class MemoryRuns {
 public:
  // pre: all of it outlives this.
  MemoryRuns(const SessionOptions& options, int cpu, const Launcher& launcher,
             const SessionProgress& progress, Result& result)
      : options_(options), cpu_(cpu), launcher_(launcher), progress_(progress), result_(result) {}

  // What the pages are that each allocator holds when it holds most.
  void split_held(const Plan& plan);

  // The map of each heap at that moment, whose checkpoint that is. pre: the plan has one lane.
  void map_heaps(const Plan& plan, std::size_t checkpoint, const std::string& moment);

  // `turns` turns of the measured part of `closed` (PlanOptions::closed), of which
  // `recorded_events` are the trace's.
  void soak(const Plan& closed, std::uint64_t recorded_events, std::uint64_t turns);

 private:
  RunRequest request_of(Pass pass, const AllocatorResult& allocator) const;
  RunOutcome run(const Plan& plan, const RunRequest& request, const AllocatorResult& allocator);

  const SessionOptions& options_;
  int cpu_;
  const Launcher& launcher_;
  const SessionProgress& progress_;
  Result& result_;
};

}  // namespace replay::cli
