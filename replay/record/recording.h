// A whole recording: spool, program, merge, trace.
//
// Throws Error, and leaves no file, if the program cannot be run, the library never started in it,
// or the trace cannot be written. A program that fails or is killed is no error: the trace of what
// it did is whole, and says how it ended.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "replay/record/merge.h"
#include "replay/record/program.h"
#include "replay/record/spool_directory.h"

namespace replay {

// The moves of both are noexcept, as JSON's is; clang-tidy follows its assertions.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct RecordRequest {
  std::string trace_path;
  std::vector<std::string> command;
  std::string library;  // path of liballocrecord.so
  std::string version;  // of the tool, for the provenance
  nlohmann::ordered_json host;
  RecordLimits limits;
};

// NOLINTNEXTLINE(bugprone-exception-escape)
struct RecordOutcome {
  Fate fate;
  MergeCounts counts;
  nlohmann::ordered_json losses;
  std::uint64_t lost_events = 0;
  std::uint64_t trace_bytes = 0;
  bool stopped_at_limit = false;
};

// phase: "recording" or "merging"; events: so far, roughly.
using RecordProgress = std::function<void(const char* phase, std::uint64_t events)>;

RecordOutcome record_program(const RecordRequest& request, const RecordProgress& progress);

}  // namespace replay
