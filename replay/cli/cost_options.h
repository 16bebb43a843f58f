// --cost and what belongs to it: options of the replay that count instead of taking the time.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "replay/engine/plan.h"
#include "replay/engine/session.h"
#include "replay/report/result.h"

namespace replay::cli {

struct CostOptions {
  std::string what;  // empty: no cost is asked for
  std::string counted_by = "auto";
  std::string events = "1M";

  bool wanted() const { return !what.empty(); }
};

// Two that agree show that a figure repeats.
inline constexpr int kCostRepetitions = 2;

void add_cost_options(CLI::App& app, CostOptions& options);

// The first events of `range`, as many as are to be counted.
EventRange cost_range(const CostOptions& options, EventRange range);

// Makes the session one that counts. Throws Error where nothing here can count.
void plan_cost(const CostOptions& options, SessionOptions& session);

// Notes in the result how was counted, and warns of figures that did not repeat.
void note_cost(const SessionOptions& options, const SessionResult& session, Result& result);

}  // namespace replay::cli
