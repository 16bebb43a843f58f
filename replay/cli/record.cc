// Records what a program asks of its allocator.
//
// Exit code 0 means that the trace is good, however the program ended: its fate stands on stderr
// and in the trace. To replay a crash is a reason to record one.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "replay/cli/command.h"
#include "replay/cli/record_limit.h"
#include "replay/engine/subject.h"
#include "replay/record/recording.h"
#include "replay/report/context.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

struct Options {
  std::string output;
  std::vector<std::string> command;
  std::string limit;
  bool quiet = false;
};

std::string library_path() {
  const std::filesystem::path path =
      std::filesystem::path(program_directory()).parent_path() / "lib" / "liballocrecord.so";
  if (!std::filesystem::exists(path)) {
    throw Error(
        fmt::format("{}: not found; it belongs beside the program's folder", path.string()));
  }
  // The loader splits LD_PRELOAD at both.
  if (path.string().find_first_of(" :") != std::string::npos) {
    throw Error(
        fmt::format("{}: a path with a blank or colon cannot be preloaded; install "
                    "allocreplay elsewhere",
                    path.string()));
  }
  return path.string();
}

// One line on a terminal, rewritten in place.
class StatusLine {
 public:
  explicit StatusLine(bool enabled) : enabled_(enabled && ::isatty(STDERR_FILENO) != 0) {}
  ~StatusLine() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
  }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const char* phase, std::uint64_t events) {
    if (!enabled_) return;
    fmt::print(stderr, "\r\033[Kallocreplay: {}, {} events so far", phase, events);
    std::fflush(stderr);
    drawn_ = true;
  }

 private:
  bool enabled_;
  bool drawn_ = false;
};

// Calls of the recorded process that the trace lacks or had to mend.
constexpr const char* kLossKeys[] = {
    "events_lost",         "unmatched_frees", "unmatched_reallocs", "synthesised_frees",
    "unfinished_reallocs", "failed_starts",   "execs_not_followed"};
// What is not recorded by design, and therefore said.
constexpr const char* kOtherProcessKeys[] = {"children_not_recorded",
                                             "child_programs_not_recorded"};

void print_losses(const nlohmann::ordered_json& losses) {
  bool lost = false;
  for (const char* key : kLossKeys) {
    if (losses[key] == 0) continue;
    fmt::print(stderr, "allocreplay: LOST: {} = {}\n", key, losses[key].get<std::uint64_t>());
    lost = true;
  }
  if (losses["execs_not_followed"] != 0) {
    fmt::print(
        stderr,
        "allocreplay: LOST: the program became another by exec that cannot be recorded (static "
        "or setuid?); the trace is of the one before\n");
  }
  if (losses["disk_full"] == true) {
    fmt::print(stderr, "allocreplay: LOST: the disk was full; the trace ends where it filled\n");
  }
  if (!lost) fmt::print(stderr, "allocreplay: nothing was lost\n");
  for (const char* key : kOtherProcessKeys) {
    if (losses[key] == 0) continue;
    fmt::print(stderr, "allocreplay: not in the trace: {} = {}\n", key,
               losses[key].get<std::uint64_t>());
  }
  for (const auto& image : losses["earlier_images"]) {
    fmt::print(stderr, "allocreplay: not in the trace: {} events of {}, which ran before exec\n",
               image["events"].get<std::uint64_t>(), image["program"].get<std::string>());
  }
}

void print_summary(const Options& options, const RecordOutcome& outcome) {
  const MergeCounts& counts = outcome.counts;
  fmt::print(stderr, "allocreplay: {} {}\n", options.command[0], outcome.fate.text());
  fmt::print(stderr,
             "allocreplay: {}: {} events, {} objects, {} threads, {} bytes ({:.2f} an event)\n",
             options.output, counts.events, counts.objects, counts.threads, outcome.trace_bytes,
             counts.events == 0
                 ? 0.0
                 : static_cast<double>(outcome.trace_bytes) / static_cast<double>(counts.events));
  if (outcome.stopped_at_limit) {
    fmt::print(stderr, "allocreplay: stopped at the limit ({}); the program ran on unrecorded\n",
               options.limit);
  }
  print_losses(outcome.losses);
}

int run_record(const Options& options) {
  RecordRequest request;
  request.trace_path = options.output;
  request.command = options.command;
  request.library = library_path();
  request.version = version_text();
  request.host = collect_context()["host"];
  if (!options.limit.empty()) request.limits = parse_record_limit(options.limit);
  RecordOutcome outcome;
  {
    StatusLine status(!options.quiet);
    outcome = record_program(
        request, [&](const char* phase, std::uint64_t events) { status.show(phase, events); });
  }
  const bool lost = outcome.lost_events != 0 || outcome.losses["execs_not_followed"] != 0;
  if (!options.quiet || lost) print_summary(options, outcome);
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kExamples = R"(Examples:
  allocreplay record -o git.trace -- git log
  allocreplay record -o redis.trace --limit 30s -- redis-server --save ''
  LD_PRELOAD=libjemalloc.so.2 allocreplay record -o a.trace -- program  (recorded over jemalloc)

Only the process that runs COMMAND is recorded, not its children. If it replaces itself by exec, the
trace is of the last program. A kill or Ctrl-C ends the program and keeps the trace. While it runs,
the recording needs 24 bytes of disk a call beside FILE (48 a realloc).

Exit status: 0 the trace is good, however COMMAND ended (that is said, and stands in the trace);
1 COMMAND could not be run or recorded, and there is no trace; 2 wrong usage.)";

}  // namespace

Command setup_record(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("record", "Run a program and record its allocator calls");
  app->add_option("-o,--output", options->output, "The trace to write")
      ->type_name("FILE")
      ->required();
  app->add_option("-l,--limit", options->limit,
                  "Record no more than so many events (2000000, 2M), seconds (30s), or bytes of "
                  "disk while it runs (100MB, 2GB); then the program runs on unrecorded")
      ->type_name("LIMIT");
  app->add_flag("-q,--quiet", options->quiet, "Say nothing unless events were lost");
  app->add_option("command", options->command, "The program and its arguments, after --")
      ->type_name("COMMAND ARGS")
      ->required();
  app->positionals_at_end();
  app->footer(kExamples);
  return {app, [options] { return run_record(*options); }};
}

}  // namespace replay::cli
