// All repetitions of a replay: every allocator, every pass, interleaved so that a drift of the
// machine meets all allocators alike.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "replay/engine/launcher.h"

namespace replay {

struct SessionOptions {
  std::vector<Subject> subjects;
  int repetitions = 7;
  Touch touch = Touch::kPage;
  std::vector<Pass> passes = {Pass::kThroughput, Pass::kLatency, Pass::kMemory};
  InstructionSource source{};            // Pass::kInstructions
  std::vector<std::uint32_t> idle_ms{};  // Pass::kMemory and kTrimmed; at most kMostIdleTimes
  double pace = 0;  // as in RunRequest; the throughput pass always runs as fast as can be
};

struct SubjectRuns {
  Subject subject;
  std::array<std::vector<RunOutcome>, kPassCount> by_pass;  // [Pass][repetition]

  const std::vector<RunOutcome>& runs(Pass pass) const {
    return by_pass[static_cast<std::size_t>(pass)];
  }
};

struct SessionResult {
  std::vector<SubjectRuns> subjects;  // in the order of the options
  int cpu = 0;
};

// Called with the share of the whole session that is done and what is running.
using SessionProgress = std::function<void(double share, const std::string& what)>;

// Repetition r runs each pass with every subject, beginning with subject r modulo their number.
// The first run teaches a streamed plan what it is (learn() in plan_feed.h); it must not be of the
// memory pass.
SessionResult run_session(Plan& plan, const SessionOptions& options, const Launcher& launcher,
                          const SessionProgress& progress);

}  // namespace replay
