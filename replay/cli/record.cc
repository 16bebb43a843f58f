// Records what a program asks of its allocator.
//
// Exit code 0 means that the trace is good, however the program ended: its fate stands on stderr
// and in the trace. To replay a crash is a reason to record one.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "replay/cli/command.h"
#include "replay/cli/record_limit.h"
#include "replay/engine/subject.h"
#include "replay/record/recording.h"
#include "replay/report/context.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

struct RecordCommandOptions {
  std::string output;
  std::vector<std::string> command;
  std::vector<std::string> limits;
  std::string start_after;
  std::string keep_last;
  std::string signal = "USR1";
  std::string sites = "off";
  std::uint32_t site_depth = 24;
  bool residency = false;
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

// What cannot be said is no reason to end: the terminal may have gone, and the program still run.
template <class... Arguments>
void say(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  std::fputs(fmt::format(text, std::forward<Arguments>(arguments)...).c_str(), stderr);
}

// One line on a terminal, rewritten in place.
class StatusLine {
 public:
  explicit StatusLine(bool enabled) : enabled_(enabled && ::isatty(STDERR_FILENO) != 0) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const char* phase, std::uint64_t events) {
    if (!enabled_) return;
    say("\r\033[Kallocreplay: {}, {} events so far", phase, events);
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) say("\r\033[K");
    drawn_ = false;
  }

 private:
  bool enabled_;
  bool drawn_ = false;
};

// Calls of the recorded process that the trace lacks, or had to mend, or has without their sites.
constexpr const char* kLossKeys[] = {
    "events_lost",         "unmatched_frees", "unmatched_reallocs", "synthesised_frees",
    "unfinished_reallocs", "failed_starts",   "execs_not_followed", "sites_lost"};
// What is not recorded by design, and therefore said.
constexpr const char* kOtherProcessKeys[] = {"children_not_recorded",
                                             "child_programs_not_recorded"};

void print_losses(const nlohmann::ordered_json& losses) {
  bool lost = false;
  for (const char* key : kLossKeys) {
    if (losses[key] == 0) continue;
    say("allocreplay: LOST: {} = {}\n", key, losses[key].get<std::uint64_t>());
    lost = true;
  }
  if (losses["execs_not_followed"] != 0) {
    say("allocreplay: LOST: the program became another by exec that cannot be recorded (static "
        "or setuid?); the trace is of the one before\n");
  }
  if (losses["failed_starts"] != 0) {
    say("allocreplay: LOST: the program became another by exec, whose recording could not "
        "start (check the disk, ulimit -f and ulimit -v); the trace is of another\n");
  }
  if (losses["own_allocator"] != "") {
    say("allocreplay: LOST: the calls of a program with an allocator of its own: malloc or free is "
        "that of {}, which the recorder cannot stand before\n",
        losses["own_allocator"].get<std::string>());
    lost = true;
  }
  if (losses["sites_failed"] == true) {
    say("allocreplay: LOST: all call sites: there was no room for them, or {} could not be "
        "loaded into the program (check the disk, ulimit -f and ulimit -v)\n",
        spool::kUnwinder);
    lost = true;
  }
  if (losses["disk_full"] == true) {
    say("allocreplay: LOST: the disk was full; the trace ends where it filled\n");
  }
  if (!lost) say("allocreplay: nothing was lost\n");
  for (const char* key : kOtherProcessKeys) {
    if (losses[key] == 0) continue;
    say("allocreplay: not in the trace: {} = {}\n", key, losses[key].get<std::uint64_t>());
  }
  for (const auto& image : losses["earlier_images"]) {
    say("allocreplay: not in the trace: {} events of {}, which ran before exec\n",
        image["events"].get<std::uint64_t>(), image["program"].get<std::string>());
  }
}

void print_window(const nlohmann::ordered_json& window) {
  if (window.is_null()) return;
  if (window["opened"] == false) {
    say("allocreplay: the program ended before the recording began\n");
  }
  constexpr const char* kKeys[] = {"calls_before", "events_dropped", "frees_of_earlier_objects",
                                   "reallocs_of_earlier_objects"};
  for (const char* key : kKeys) {
    if (window[key] == 0) continue;
    say("allocreplay: left out, as asked: {} = {}\n", key, window[key].get<std::uint64_t>());
  }
}

void print_summary(const RecordCommandOptions& options, const RecordOutcome& outcome) {
  const MergeCounts& counts = outcome.counts;
  say("allocreplay: {} {}\n", options.command[0],
      outcome.fate ? outcome.fate->text() : "runs on unrecorded");
  say("allocreplay: {}: {} events, {} objects, {} threads, {} bytes ({:.2f} an event)\n",
      options.output, counts.events, counts.objects, counts.threads, outcome.trace_bytes,
      counts.events == 0
          ? 0.0
          : static_cast<double>(outcome.trace_bytes) / static_cast<double>(counts.events));
  if (outcome.stopped_at_limit) {
    say("allocreplay: stopped by {}\n",
        outcome.losses["stopped_at_limit"] == "signal"
            ? "a signal"
            : fmt::format("the limit ({})", fmt::join(options.limits, ", ")));
  }
  print_window(outcome.window);
  print_losses(outcome.losses);
}

// What is said even under --quiet.
bool lost_calls(const RecordOutcome& outcome) {
  const nlohmann::ordered_json& losses = outcome.losses;
  return outcome.lost_events != 0 || losses["execs_not_followed"] != 0 ||
         losses["failed_starts"] != 0 || losses["own_allocator"] != "" ||
         losses["sites_lost"] != 0 || losses["sites_failed"] == true;
}

RecordOptions record_options(const RecordCommandOptions& options) {
  RecordOptions parsed;
  for (const std::string& text : options.limits) {
    const RecordLimits limit = parse_record_limit(text);
    parsed.limits.events = std::min(parsed.limits.events, limit.events);
    parsed.limits.spool_bytes = std::min(parsed.limits.spool_bytes, limit.spool_bytes);
    parsed.limits.time_ns = std::min(parsed.limits.time_ns, limit.time_ns);
  }
  if (!options.start_after.empty()) parsed.start = parse_record_start(options.start_after);
  if (!options.keep_last.empty()) {
    parsed.keep_bytes = parse_record_bytes(options.keep_last);
    // Each would stop the recording at what it is to go on from.
    if (parsed.limits.spool_bytes != spool::kNever) {
      throw Error("--keep-last and a --limit of bytes exclude one another", ExitCode::kUsage);
    }
  }
  if (options.sites == "unwind") parsed.sites = spool::SitesMode::kUnwind;
  if (options.sites == "fp") parsed.sites = spool::SitesMode::kFramePointers;
  parsed.site_depth = options.site_depth;
  parsed.residency = options.residency;
  return parsed;
}

int run_record(const RecordCommandOptions& options) {
  RecordRequest request;
  request.trace_path = options.output;
  request.command = options.command;
  request.library = library_path();
  request.version = version_text();
  request.host = collect_context()["host"];
  request.options = record_options(options);
  request.signal = parse_signal(options.signal);
  StatusLine status(!options.quiet);
  const RecordReports reports{
      .ready =
          [&] {
            if (!request.options.start.by_signal || options.quiet) return;
            say("allocreplay: recording begins at: kill -{} {}\n", options.signal, ::getpid());
          },
      .progress = [&](const char* phase, std::uint64_t events) { status.show(phase, events); },
      .written =
          [&](const RecordOutcome& outcome) {
            status.clear();
            if (!options.quiet || lost_calls(outcome)) print_summary(options, outcome);
          }};
  record_program(request, reports);
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kRecordExamples = R"(Examples:
  allocreplay record -o git.trace -- git log
  allocreplay record -o redis.trace --limit 30s -- redis-server --save ''
  allocreplay record -o busy.trace --start-after signal --limit 60s -- server   (kill -USR1 the
      recorder to begin, again to end; the trace is written then, and the server runs on)
  allocreplay record -o last.trace --keep-last 500MB -- server   (the calls before it died)
  allocreplay record -o sites.trace --sites -- git log
  LD_PRELOAD=libjemalloc.so.2 allocreplay record -o a.trace -- program  (recorded over jemalloc)

Only the process that runs COMMAND is recorded, not its children. If it replaces itself by exec, the
trace is of the last program. A kill or Ctrl-C ends the program and keeps the trace. While it runs,
the recording needs 8 to 16 bytes of disk an allocation beside FILE and 8 a free, and allocreplay
copies them there, which takes a few percent of a processor.

A trace that begins or ends within the program's run is one window. Frees of objects that were born
before it are left out and counted; where a realloc moved such an object, it is born there. What was
left out stands in the trace (inspect, "window").

--sites=unwind takes the stack of every allocation with libunwind, right for any program; --sites=fp
walks along frame pointers, cheaper, and right only for code compiled with them (for other code the
stacks end early). --residency asks the kernel at a free, a few microseconds for a block of 16 KiB
or more; memory that the allocator had used before counts as touched.

Exit status: 0 the trace is good, however COMMAND ended (that is said, and stands in the trace);
1 COMMAND could not be run or recorded, and there is no trace; 2 wrong usage.)";

}  // namespace

Command setup_record(CLI::App& root) {
  auto options = std::make_shared<RecordCommandOptions>();
  CLI::App* app = add_subcommand(root, "record", "Run a program and record its allocator calls");
  app->add_option("-o,--output", options->output, "The trace to write")
      ->type_name("FILE")
      ->required();
  app->add_option(
         "-l,--limit", options->limits,
         "Record no more than so many events (2000000, 2M), seconds (30s), or bytes of "
         "disk while it runs (100MB, 2GB); then the trace is written, and the program runs on "
         "unrecorded; repeatable")
      ->type_name("LIMIT")
      ->allow_extra_args(false);
  app->add_option("--start-after", options->start_after,
                  "Begin after so many calls (2M; to 64 a thread), after so long (30s), or at a "
                  "signal to allocreplay ('signal')")
      ->type_name("WHEN");
  app->add_option("--keep-last", options->keep_last,
                  "Keep only the last so many bytes of records (500MB): the oldest go")
      ->type_name("BYTES");
  app->add_option("--signal", options->signal,
                  "The signal to allocreplay that begins the recording if it has not begun, and "
                  "ends it if it has")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_flag("--sites{unwind}", options->sites,
                "Record the stack of every allocation: 'unwind' (the default) or 'fp'")
      ->check(CLI::IsMember({"off", "unwind", "fp"}));
  app->add_option("--site-depth", options->site_depth, "At most so many frames of a stack")
      ->type_name("N")
      ->check(CLI::Range(1U, spool::kMaxSiteDepth))
      ->capture_default_str();
  app->add_flag("--residency", options->residency,
                "Record how many pages of a block were touched when it was freed or resized");
  app->add_flag("-q,--quiet", options->quiet, "Say nothing unless events were lost");
  app->add_option("command", options->command, "The program and its arguments, after --")
      ->type_name("COMMAND ARGS")
      ->required();
  app->positionals_at_end();
  app->footer(kRecordExamples);
  return {app, [options] { return run_record(*options); }};
}

}  // namespace replay::cli
