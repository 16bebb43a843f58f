// A whole recording: spool, program, merge, trace.
//
// Throws Error, and leaves no file, if the program cannot be run, the library never started in it,
// or the trace cannot be written. A program that fails or is killed is no error: the trace of what
// it did is whole, and says how it ended. Where the recording stops before the program does, the
// trace is written then, and the program runs on.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
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
  RecordOptions options;
  int signal = 0;  // opens the window, or closes it; 0: none does
};

// NOLINTNEXTLINE(bugprone-exception-escape)
struct RecordOutcome {
  std::optional<Fate> fate;  // none: it still runs
  MergeCounts counts;
  nlohmann::ordered_json losses;
  nlohmann::ordered_json window;  // null if all of the program was to be recorded
  std::uint64_t lost_events = 0;
  std::uint64_t trace_bytes = 0;
  bool stopped_at_limit = false;
};

struct RecordReports {
  std::function<void()> ready;  // from now on signals to the recorder are heard
  // phase: "waiting", "recording", "merging", ...; events: so far, roughly.
  std::function<void(const char* phase, std::uint64_t events)> progress;
  std::function<void(const RecordOutcome&)> written;  // the trace is there
};

// Returns how the program ended, after its end.
Fate record_program(const RecordRequest& request, const RecordReports& reports);

}  // namespace replay
