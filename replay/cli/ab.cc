// Measures two allocators side by side until it is clear how they differ.
#include <fmt/format.h>

#include <memory>
#include <random>

#include "replay/cli/command.h"
#include "replay/cli/progress_bar.h"
#include "replay/cli/range.h"
#include "replay/cli/replay_options.h"
#include "replay/cli/standard_input.h"
#include "replay/cli/verdict_options.h"
#include "replay/engine/session.h"
#include "replay/report/context.h"
#include "replay/report/footprint_floor.h"
#include "replay/report/json.h"
#include "replay/report/side_by_side.h"
#include "replay/trace/error.h"
#include "replay/trace/file_hash.h"
#include "replay/trace/output_file.h"
#include "replay/trace/reader.h"

namespace replay::cli {
namespace {

struct AbOptions {
  ReplayOptions replay;
  std::string allocator = "mem";
  std::string baseline = "glibc";
  int repeat = 30;
  std::string seed;
  VerdictOptions verdict;
};

struct Sides {
  Subject subject;
  Subject baseline;
};

// glibc takes the binding of the other; two other bindings are not comparable.
Sides resolve(const AbOptions& options) {
  const std::string program_dir = program_directory();
  Sides sides{resolve_subject(options.allocator, program_dir),
              resolve_subject(options.baseline, program_dir)};
  if (sides.baseline.name == "glibc") sides.baseline = glibc_subject(sides.subject.binding);
  if (sides.subject.name == "glibc") sides.subject = glibc_subject(sides.baseline.binding);
  std::vector<Subject> both = {sides.subject, sides.baseline};
  tell_apart(both);
  sides = {both[0], both[1]};
  if (sides.subject.binding != sides.baseline.binding) {
    throw Error(fmt::format("{} runs {}, {} {}: the two are not comparable", sides.subject.name,
                            binding_name(sides.subject.binding), sides.baseline.name,
                            binding_name(sides.baseline.binding)),
                ExitCode::kUsage);
  }
  return sides;
}

std::uint64_t seed_of(const std::string& text) {
  if (text.empty()) return std::random_device{}();
  return parse_seed(text);
}

// One repetition at a time of whatever is named, in the order given.
class Bench {
 public:
  Bench(const AbOptions& options, Plan& plan)
      : plan_(plan),
        launcher_(program_directory()),
        bar_(!options.replay.quiet),
        most_(options.repeat),
        touch_(touch_of(options.replay)),
        pace_(pace_of(options.replay)) {
    calibration_ = run({null_subject()}, "null").subjects.front();
  }

  OneRepetition measure(const Sides& sides, const Turn& turn) {
    done_ = turn.repetition;
    if (turn.repetition == 1) passes_ = passes_for({plan_, ran_, calibration_}, turn.keys);
    const std::string what = fmt::format("repetition {} of {} at most", turn.repetition + 1, most_);
    SessionResult session =
        run(turn.subject_first ? std::vector<Subject>{sides.subject, sides.baseline}
                               : std::vector<Subject>{sides.baseline, sides.subject},
            what);
    if (!turn.subject_first) std::swap(session.subjects.front(), session.subjects.back());
    const OneRepetition metrics{compute_metrics({plan_, session.subjects.front(), calibration_}),
                                compute_metrics({plan_, session.subjects.back(), calibration_})};
    ran_ = std::move(session.subjects.front());
    return metrics;
  }

  // That the last repetition ran.
  std::vector<Pass> passes() const {
    std::vector<Pass> passes;
    for (int i = 0; i < kPassCount; ++i) {
      const Pass pass = static_cast<Pass>(i);
      if (!ran_.runs(pass).empty()) passes.push_back(pass);
    }
    return passes;
  }

 private:
  SessionResult run(std::vector<Subject> subjects, const std::string& what) {
    SessionOptions options;
    options.subjects = std::move(subjects);
    options.repetitions = 1;
    options.passes = passes_;
    options.touch = touch_;
    options.pace = pace_;
    return run_session(plan_, options, launcher_, [&](double share, const std::string&) {
      bar_.update((done_ + share) / most_, what);
    });
  }

  Plan& plan_;
  Launcher launcher_;
  ProgressBar bar_;
  int most_;
  Touch touch_;
  double pace_;
  int done_ = 0;
  std::vector<Pass> passes_ = SessionOptions().passes;
  SubjectRuns calibration_;
  SubjectRuns ran_;  // of the subject's, the last repetition; the first has all passes
};

nlohmann::ordered_json trace_facts(const AbOptions& options, const TraceReader& reader,
                                   const Plan& plan) {
  const std::optional<std::uint64_t> floor = floor_pages(plan, touch_of(options.replay));
  return {{"path", reader.path()},
          {"sha256", file_sha256(options.replay.trace_file())},
          {"events", reader.header().event_count},
          {"first_event", plan.warmup_events},
          {"last_event", plan.event_count},
          {"floor_pages", floor ? nlohmann::ordered_json(*floor) : nlohmann::ordered_json()}};
}

nlohmann::ordered_json config_facts(const ReplayOptions& options, const Plan& plan,
                                    const std::vector<Pass>& passes) {
  const double pace = pace_of(options);
  return {{"touch", options.touch},
          {"threads", options.threads},
          {"threads_replayed", plan.thread_count},
          {"pace", pace > 0 ? nlohmann::ordered_json(pace) : nlohmann::ordered_json("max")},
          {"passes", passes_json(passes)}};
}

int run_ab(AbOptions options) {
  SideBySideOptions side_options;
  side_options.most_repetitions = options.repeat;
  side_options.seed = seed_of(options.seed);
  side_options.rules = rules_of(options.verdict);
  side_options.metrics = options.verdict.metrics;
  const Sides sides = resolve(options);
  const EventRange range = range_of(options.replay);
  OutputFile file(target_of(options.verdict));  // an unwritable one is told before the work
  make_trace_a_file(options.replay.trace, !options.replay.quiet);
  TraceReader reader(options.replay.trace, {.allow_truncated = options.replay.allow_truncated});
  Plan plan = make_plan(reader, options.replay, range, true);

  SideBySide result;
  std::vector<Pass> passes;
  {
    Bench bench(options, plan);
    result = run_side_by_side(side_options,
                              [&](const Turn& turn) { return bench.measure(sides, turn); });
    passes = bench.passes();
  }
  VerdictReport report;
  report.rules = side_options.rules;
  report.title =
      fmt::format("{} against {}, {}", options.allocator, options.baseline, reader.path());
  report.trace = trace_facts(options, reader, plan);
  report.config = config_facts(options.replay, plan, passes);
  report.context = collect_context();
  report.seed = side_options.seed;
  report.looks = result.looks;
  for (const auto& warning : report.context["warnings"]) {
    report.notes.push_back(warning.get<std::string>());
  }
  report.notes.emplace_back(
      "one session, both in turn: what it says holds for this machine as it was; it cannot know "
      "what another day or machine does to one allocator alone");
  report.tables.push_back(
      {sides.subject.name, sides.baseline.name, binding_name(sides.subject.binding), "",
       result.repetitions, result.repetitions, std::move(result.samples),
       std::move(result.verdicts), std::move(result.unpaired), std::move(result.without_value)});
  note_unjudged(report);
  return write_report(report, options.verdict, file);
}

constexpr const char* kAbExamples = R"(Examples:
  allocreplay ab --trace traces/redis.trace --allocator mem --baseline glibc
  allocreplay ab -t redis.trace -a build/release/lib/libmem.so -b /tmp/before/libmem.so
  allocreplay ab -t redis.trace -a mem -m throughput_events_per_s -m 'peak_*' --threshold 1%
  allocreplay ab -t ruby.trace -a mem --threads recorded --events 1M:
  allocreplay ab -t redis.trace -a mem -f junit -o verdict.xml --seed 7

Every repetition is a new process of each, one after the other, in an order drawn by lot. It looks
at what it has after a few repetitions, and again and again up to --repeat, and stops as soon as all
metrics have their verdict or hopelessly lack one; the error rate is that of all looks together.
One thread replays the events of all unless told otherwise: then footprints and calls are the same
in every repetition, and less noise needs fewer of them. With --metric only the passes that these
metrics come from are run again and again: times alone (time_per_event_ns) take a fraction of all.
)";

}  // namespace

Command setup_ab(CLI::App& root) {
  auto options = std::make_shared<AbOptions>();
  CLI::App* app = add_subcommand(root, "ab", "Measure two allocators in turn until it is clear");
  app->add_option("-t,--trace", options->replay.trace, "Trace to replay; - is standard input")
      ->required()
      ->type_name("FILE");
  app->add_option("-a,--allocator", options->allocator,
                  "The one to judge: a name (see: allocreplay list) or the path of a library")
      ->type_name("NAME|LIB.so")
      ->capture_default_str();
  app->add_option("-b,--baseline", options->baseline, "What to judge it by")
      ->type_name("NAME|LIB.so")
      ->capture_default_str();
  app->add_option("-r,--repeat", options->repeat, "Repetitions at most, each in new processes")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description(""));
  app->add_option("--seed", options->seed, "Of the order, to draw the same again [by chance]")
      ->type_name("N");
  options->replay.threads = "1";
  add_replay_options(*app, options->replay);
  add_verdict_options(*app, options->verdict);
  app->add_flag("-q,--quiet", options->replay.quiet, "No progress");
  app->footer(std::string(kAbExamples) + kVerdictExits);
  return {app, [options] { return run_ab(*options); }};
}

}  // namespace replay::cli
