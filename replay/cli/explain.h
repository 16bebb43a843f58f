// --worst and --explain: the longest calls of a replay, and a second look at what happened in them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "replay/engine/session.h"
#include "replay/report/result.h"

namespace replay::cli {

struct ExplainOptions {
  unsigned worst = kWorstCalls;
  bool explain = false;
};

void add_explain_options(CLI::App& app, ExplainOptions& options);

// Finds the events of the trace that the longest calls of the latency runs belong to.
void name_long_calls(const std::string& trace, const ReadOptions& read_options, const Plan& plan,
                     ThreadChoice threads, SessionResult& session);

// Replays once more for each allocator of the result, with counters read around its longest calls,
// and notes what they say.
void explain_worst(const Plan& plan, const SessionOptions& options, int cpu,
                   const Launcher& launcher, const SessionProgress& progress, Result& result);

// The longest calls of every allocator, for people. Empty if none was explained.
std::string explained_text(const Result& result);

}  // namespace replay::cli
