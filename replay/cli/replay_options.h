// What to replay and how: the options that a replay and `ab` share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "replay/engine/plan.h"
#include "replay/engine/run_layout.h"

namespace replay::cli {

struct ReplayOptions {
  std::string trace;  // "-" is standard input
  std::string touch = "page";
  std::string events;
  std::string threads = "recorded";
  std::string pace = "max";
  std::string plan_memory = "256M";
  bool allow_truncated = false;
  bool quiet = false;

  // The file to open again, for its hash.
  std::string trace_file() const { return trace == "-" ? "/dev/stdin" : trace; }
};

// All but --trace, which is not required of both alike, and --quiet.
void add_replay_options(CLI::App& app, ReplayOptions& options);

// Of what was given; each throws Error (usage).
Touch touch_of(const ReplayOptions& options);
EventRange range_of(const ReplayOptions& options);
ThreadChoice threads_of(const ReplayOptions& options);
double pace_of(const ReplayOptions& options);  // 0 for "max"

// A plan of the range, streamed if it is large and may be. Reads the trace as often as it takes;
// `reader` is at its start; stops as PlanOptions has them. Warns of a trace that is cut short.
Plan make_plan(TraceReader& reader, const ReplayOptions& options, EventRange range,
               bool may_be_streamed, const std::vector<std::uint64_t>& stops = {});

// The same for one thread, closed (PlanOptions::closed) and whole.
Plan make_closed_plan(TraceReader& reader, const ReplayOptions& options, EventRange range);

}  // namespace replay::cli
