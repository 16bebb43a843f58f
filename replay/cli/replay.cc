// The main job: replay a trace against allocators, beside glibc.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/cli/command.h"
#include "replay/cli/cost_options.h"
#include "replay/cli/explain.h"
#include "replay/cli/memory_options.h"
#include "replay/cli/memory_runs.h"
#include "replay/cli/progress_bar.h"
#include "replay/cli/replay_options.h"
#include "replay/cli/standard_input.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/session.h"
#include "replay/engine/thread_counters.h"
#include "replay/report/compare.h"
#include "replay/report/context.h"
#include "replay/report/footprint_floor.h"
#include "replay/report/json.h"
#include "replay/report/memory_text.h"
#include "replay/report/plan_bytes.h"
#include "replay/report/table.h"
#include "replay/trace/error.h"
#include "replay/trace/file_hash.h"
#include "replay/trace/output_file.h"
#include "replay/trace/reader.h"

namespace replay::cli {
namespace {

struct ReplayRequest {
  ReplayOptions replay;
  std::vector<std::string> allocators = {"mem"};
  int repeat = 7;
  std::string output;
  CostOptions cost;
  ExplainOptions explain;
  MemoryOptions memory;
};

void add_once(std::vector<Subject>& subjects, const Subject& subject) {
  if (std::find(subjects.begin(), subjects.end(), subject) == subjects.end()) {
    subjects.push_back(subject);
  }
}

// What the user named, glibc under every binding that it needs, and last the harness floor.
std::vector<Subject> all_subjects(const std::vector<Subject>& named) {
  std::vector<Subject> subjects;
  for (const Subject& subject : named) add_once(subjects, glibc_subject(subject.binding));
  for (const Subject& subject : named) {
    if (subject != null_subject()) add_once(subjects, subject);
  }
  subjects.push_back(null_subject());
  return subjects;
}

Result summarize_session(const ReplayRequest& options, const SessionOptions& session_options,
                         const TraceReader& reader, const Plan& plan, const SessionResult& session,
                         const std::vector<Subject>& named) {
  Result result;
  result.context = collect_context();
  result.trace = {reader.path(),    file_sha256(options.replay.trace_file()),
                  reader.header(),  plan.warmup_events,
                  plan.event_count, plan.checkpoints[plan.peak_live].live_bytes,
                  plan.truncation,  floor_pages(plan, session_options.touch)};
  const std::vector<RunOutcome>& timed = session.subjects.front().runs(Pass::kLatency);
  result.config.repetitions = session_options.repetitions;
  result.config.touch = session_options.touch;
  result.config.cpu = session.cpu;
  if (!timed.empty()) result.config.timer_is_tsc = timed.front().timer_is_tsc;
  result.config.passes = session_options.passes;
  result.config.threads = options.replay.threads;
  result.config.pace = session_options.pace;
  if (plan.source) result.config.plan_window_bytes = plan.word_count * sizeof(PlanWord);
  result.config.plan_bytes = plan_bytes(plan, session_options);
  result.threads = {plan.thread_count, plan.lanes.size(), plan.edges_found, plan.edges_enforced};
  const SubjectRuns& calibration = session.subjects.back();
  const bool null_named = std::find(named.begin(), named.end(), null_subject()) != named.end();
  for (const SubjectRuns& runs : session.subjects) {
    if (&runs == &calibration && !null_named) continue;
    result.allocators.push_back(summarize(plan, runs, calibration, options.explain.worst));
  }
  if (options.cost.wanted()) note_cost(session_options, session, result);
  for (const AllocatorResult& subject : result.allocators) {
    if (subject.subject.name == "glibc") continue;
    for (const AllocatorResult& baseline : result.allocators) {
      if (baseline.subject == glibc_subject(subject.subject.binding)) {
        result.comparisons.push_back(compare(baseline, subject));
      }
    }
  }
  return result;
}

// `file` is the target of -o, or nothing for standard output.
void write_json(const Result& result, std::optional<OutputFile>& file) {
  const std::string text = document_text(to_json(result));
  if (file) {
    file->append(text);
    file->commit();
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
             std::fflush(stdout) != 0) {
    throw Error("cannot write the result to standard output");
  }
}

// What several threads do depends on the moment, and so does what is done by the clock.
void prepare_cost(ReplayRequest& options, bool repeat_is_given) {
  if (options.replay.threads != "recorded" && options.replay.threads != "1") {
    throw Error(fmt::format("--cost counts with one thread and cannot go with --threads {}",
                            options.replay.threads),
                ExitCode::kUsage);
  }
  if (touch_of(options.replay) == Touch::kRecorded) {
    throw Error(
        "--cost counts calls alone, with nothing touched, and cannot go with --touch recorded",
        ExitCode::kUsage);
  }
  if (options.memory.wanted()) {
    throw Error("--cost does not look at memory and cannot go with --idle, --loop or --heap-map",
                ExitCode::kUsage);
  }
  if (options.explain.explain) {
    throw Error("--cost times no calls and cannot go with --explain", ExitCode::kUsage);
  }
  if (options.replay.pace != "max") {
    throw Error(
        fmt::format("--cost takes no times and cannot go with --pace {}", options.replay.pace),
        ExitCode::kUsage);
  }
  options.replay.threads = "1";
  if (!repeat_is_given) options.repeat = kCostRepetitions;
}

int run_replay(ReplayRequest options) {
  const std::string program_dir = program_directory();
  std::vector<Subject> named;
  for (const std::string& name : options.allocators) {
    add_once(named, resolve_subject(name, program_dir));
  }
  tell_apart(named);
  EventRange range = range_of(options.replay);
  SessionOptions session_options;
  if (options.cost.wanted()) {
    range = cost_range(options.cost, range);
    plan_cost(options.cost, session_options);
  } else if (perf_counts_instructions()) {
    session_options.passes.push_back(Pass::kCounters);
    if (windows_count_instructions()) session_options.passes.push_back(Pass::kCallCounters);
  }
  plan_memory(options.memory, session_options);

  std::optional<OutputFile> output;  // made first: an unwritable target is told before the work
  if (!options.output.empty()) output.emplace(options.output);

  make_trace_a_file(options.replay.trace, !options.replay.quiet);
  const ReadOptions read_options{.allow_truncated = options.replay.allow_truncated};
  TraceReader reader(options.replay.trace, read_options);
  check_memory_threads(options.memory, options.replay.threads);
  // Where cost is counted, nothing is compiled meanwhile.
  Plan plan =
      make_plan(reader, options.replay, range, !options.cost.wanted(), options.memory.stops());
  check_heap_maps(options.memory, plan);

  session_options.subjects = all_subjects(named);
  session_options.repetitions = options.repeat;
  session_options.touch = touch_of(options.replay);
  session_options.pace = pace_of(options.replay);
  Result result;
  {
    ProgressBar bar(!options.replay.quiet);
    const Launcher launcher(program_dir);
    const SessionProgress progress = [&](double share, const std::string& what) {
      bar.update(share, what);
    };
    SessionResult session = run_session(plan, session_options, launcher, progress);
    name_long_calls(options.replay.trace, read_options, plan, threads_of(options.replay), session);
    result = summarize_session(options, session_options, reader, plan, session, named);
    if (!options.cost.wanted()) {
      MemoryRuns runs(session_options, session.cpu, launcher, progress, result);
      runs.split_held(plan);
      for (const std::string& moment : options.memory.heap_maps) {
        runs.map_heaps(plan, options.memory.checkpoint_of(moment, plan), moment);
      }
      if (options.memory.loop > 0) {
        runs.soak(make_closed_plan(options.replay, range), plan.event_count - plan.warmup_events,
                  options.memory.loop);
      }
    }
    if (options.explain.explain) {
      explain_worst(plan, session_options, session.cpu, launcher, progress, result);
    }
  }
  if (!options.replay.quiet) {
    for (const auto& warning : result.context["warnings"]) {
      fmt::print(stderr, "warning: {}\n", warning.get<std::string>());
    }
    fmt::print(stderr, "{}{}{}{}", comparison_tables(result), idle_text(result), soak_text(result),
               explained_text(result));
  }
  write_json(result, output);
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kReplayExamples = R"(Examples:
  allocreplay --trace traces/redis.trace --allocator mem
  allocreplay --trace redis.trace --allocator mem -o result.json
  allocreplay --trace redis.trace --allocator mem \
              --allocator /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
  allocreplay --trace redis.trace --events 1M:1.5M --touch none --repeat 11
  allocreplay --trace redis.trace --allocator mem --worst 5 --explain
  allocreplay --trace jq.trace --allocator mem --idle 0,100,1000  # what is held after the load
  allocreplay --trace redis.trace --allocator mem --events 1M:1.2M --loop 100  # does it grow?
  allocreplay --trace redis.trace --allocator mem --cost instructions --cost-events 200k
  allocreplay record --residency -o r.trace -- COMMAND && allocreplay -t r.trace --touch recorded
  allocreplay generate larson -o - | allocreplay --trace - --allocator mem
  allocreplay --trace mariadb.trace --threads 1         # all events by one thread, in order
  allocreplay --trace nginx.trace --pace 1              # at the recorded times: response times
  allocreplay record -o redis.trace -- redis-server --save ''
  allocreplay inspect redis.trace

The result is one JSON document on standard output (or in the file of -o); the table for people is
on standard error. Exit status: 0 done, 1 error, 2 wrong usage.)";

}  // namespace

Command setup_replay(CLI::App& root) {
  auto options = std::make_shared<ReplayRequest>();
  root.add_option("-t,--trace", options->replay.trace,
                  "Trace to replay (made by: allocreplay record); - is standard input")
      ->type_name("FILE");
  root.add_option("-a,--allocator", options->allocators,
                  "Allocator to measure beside glibc: a name (see: allocreplay list) or the path "
                  "of a .so to preload; may be given several times [mem]")
      ->type_name("NAME|LIB.so");
  CLI::Option* repeat = root.add_option(
      "-r,--repeat", options->repeat,
      "Repetitions of every pass, each in a new process; verdicts need 6 [with --cost: 2]");
  repeat->type_name("N")->capture_default_str()->check(CLI::Range(1, 1000).description(""));
  add_replay_options(root, options->replay);
  root.add_option("-o,--output", options->output,
                  "Write the JSON to this file, whole or not at all")
      ->type_name("FILE");
  root.add_flag("-q,--quiet", options->replay.quiet, "No table, no progress");
  add_cost_options(root, options->cost);
  add_explain_options(root, options->explain);
  add_memory_options(root, options->memory);
  root.footer(kReplayExamples);
  return {&root, [options, repeat, &root]() -> int {
            if (options->replay.trace.empty()) {
              throw Error("--trace FILE is required; see " + root.get_name() + " --help",
                          ExitCode::kUsage);
            }
            if (options->cost.wanted()) prepare_cost(*options, repeat->count() > 0);
            return run_replay(*options);
          }};
}

}  // namespace replay::cli
