// --idle, --loop and what else belongs to the memory of a replay.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "replay/engine/session.h"

namespace replay::cli {

struct MemoryOptions {
  std::vector<std::uint32_t> idle_ms;
  std::uint64_t loop = 0;              // turns; 0: none
  std::vector<std::string> heap_maps;  // moments: peak, end, or an event

  bool wanted() const { return !idle_ms.empty() || loop > 0 || !heap_maps.empty(); }

  // The events that heap_maps names by number, ascending. Throws Error (usage).
  std::vector<std::uint64_t> stops() const;
  // The checkpoint that a moment of heap_maps means. Throws Error (usage) if it lies outside the
  // measured events.
  static std::size_t checkpoint_of(const std::string& moment, const Plan& plan);
};

void add_memory_options(CLI::App& app, MemoryOptions& options);

// Has the session do what the options ask for. Throws Error (usage) where they ask for too much.
// Throws Error (usage) where heap_maps names a moment that the plan does not have, or the plan has
// several lanes, whose objects have no order.
void check_heap_maps(const MemoryOptions& options, const Plan& plan);

// Throws Error (usage) where the options cannot go with threads that replay as `threads` says.
void check_memory_threads(const MemoryOptions& options, const std::string& threads);

void plan_memory(const MemoryOptions& options, SessionOptions& session);

}  // namespace replay::cli
