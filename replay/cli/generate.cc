// Makes traces: by a generator, or like a recorded one.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "replay/cli/command.h"
#include "replay/cli/generate_report.h"
#include "replay/cli/progress_bar.h"
#include "replay/cli/range.h"
#include "replay/engine/session.h"
#include "replay/gen/generator.h"
#include "replay/report/json.h"
#include "replay/report/result.h"
#include "replay/trace/error.h"
#include "replay/trace/output_file.h"
#include "replay/trace/writer.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kGenerateExamples =
    "Examples:\n"
    "  allocreplay generate --list\n"
    "  allocreplay generate steady --seed 1 --param events=10M --param size=log:16:64Ki -o "
    "s.trace\n"
    "  allocreplay generate robson-first-fit --param live=1Mi -o robson.trace\n"
    "  allocreplay generate --like redis.trace --seed 1 -o copy.trace\n"
    "  allocreplay generate --like redis.trace --scale 10 --threads 4 --replay mem -o copy.trace\n"
    "\n"
    "The same generator, version, seed and parameters give the same events for ever. The report "
    "of\n"
    "--like is on standard error (and, as JSON, in the file of --report).\n";

struct GenerateOptions {
  std::string name;
  std::string like;
  std::string seed = "0";
  std::vector<std::string> settings;
  std::string output;
  gen::CopyOptions copy;
  std::vector<std::string> replay;
  std::string report;
  bool list = false;
  bool json = false;
  bool quiet = false;
};

// The list.

Json to_json(const gen::ParameterSpec& spec) {
  return {{"name", spec.name},
          {"default", spec.value},
          {"takes", gen::domain_text(spec)},
          {"summary", spec.summary}};
}

Json to_json(const gen::Generator& generator) {
  Json parameters = Json::array();
  for (const gen::ParameterSpec& spec : generator.parameters) parameters.push_back(to_json(spec));
  return {{"name", generator.name},
          {"version", generator.version},
          {"summary", generator.summary},
          {"citation", generator.citation},
          {"parameters", parameters}};
}

void print(const gen::Generator& generator) {
  fmt::print("{} (version {})\n  {}\n  follows: {}\n", generator.name, generator.version,
             generator.summary, generator.citation);
  for (const gen::ParameterSpec& spec : generator.parameters) {
    fmt::print("    {:<15} [{}] {}; {}\n", spec.name, spec.value, spec.summary,
               gen::domain_text(spec));
  }
}

int run_generator_list(const GenerateOptions& options) {
  std::vector<const gen::Generator*> chosen(gen::generators().begin(), gen::generators().end());
  if (!options.name.empty()) chosen = {&gen::find_generator(options.name)};
  Json all = Json::array();
  for (const gen::Generator* generator : chosen) {
    if (options.json) {
      all.push_back(to_json(*generator));
    } else {
      print(*generator);
    }
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
  return 0;
}

// A trace.

// Writes what `make` emits; `meter`, if there is one, sees it too. Returns the number of events.
template <class Make>
std::uint64_t write_trace(const GenerateOptions& options, const TraceHeader& header,
                          std::uint64_t tick_ns, gen::MarginalsMeter* meter, Make make) {
  TraceWriter writer(options.output, header);
  ProgressBar bar(!options.quiet);
  gen::Emitter* emitter = nullptr;
  gen::Emitter out(
      [&](std::span<const Event> events) {
        writer.append(events);
        if (meter != nullptr) meter->add(events);
        const std::uint64_t expected = emitter->expected();
        const double share =
            expected == 0 ? 0
                          : static_cast<double>(writer.events()) / static_cast<double>(expected);
        bar.update(std::min(1.0, share), fmt::format("generating, {} events", writer.events()));
      },
      tick_ns);
  emitter = &out;
  make(out);
  writer.finish(0, header.provenance);
  return writer.events();
}

int run_named(const GenerateOptions& options) {
  const gen::Generator& generator = gen::find_generator(options.name);
  const gen::Parameters parameters(generator.name, generator.parameters, options.settings);
  const std::uint64_t seed = parse_seed(options.seed);
  TraceHeader header;
  header.time_unit_ns = gen::kTickNs;
  header.provenance = {{"generator", generator.name},
                       {"generator_version", generator.version},
                       {"seed", seed},
                       {"parameters", parameters.json()},
                       {"follows", generator.citation}};
  write_trace(options, header, gen::kTickNs, nullptr,
              [&](gen::Emitter& out) { gen::run_generator(generator, parameters, seed, out); });
  return 0;
}

// A copy.

gen::Marginals measure(const std::string& path) {
  TraceReader reader(path);
  gen::MarginalsMeter meter;
  for (auto events = reader.next_block(); !events.empty(); events = reader.next_block()) {
    meter.add(events);
  }
  return meter.finish();
}

constexpr const char* kNone = "none";
constexpr const char* kReplayedMetrics[] = {"throughput_events_per_s", "peak_resident_pages",
                                            "page_faults_minor"};

std::vector<AllocatorResult> replay_trace(const std::string& path,
                                          const std::vector<Subject>& subjects, bool quiet) {
  TraceReader reader(path);
  Plan plan = compile_plan(reader, {});
  SessionOptions session_options;
  session_options.subjects = subjects;
  session_options.subjects.push_back(null_subject());
  session_options.repetitions = 3;
  SessionResult session;
  {
    ProgressBar bar(!quiet);
    session = run_session(plan, session_options, Launcher(program_directory()),
                          [&](double share, const std::string& what) { bar.update(share, what); });
  }
  std::vector<AllocatorResult> results;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    results.push_back(summarize(plan, session.subjects[i], session.subjects.back()));
  }
  return results;
}

std::vector<ReplayedFigure> replay_both(const GenerateOptions& options,
                                        const std::vector<Subject>& subjects) {
  const auto original = replay_trace(options.like, subjects, options.quiet);
  const auto copy = replay_trace(options.output, subjects, options.quiet);
  std::vector<ReplayedFigure> figures;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    for (const char* key : kReplayedMetrics) {
      const Figure* before = original[i].find(key);
      const Figure* after = copy[i].find(key);
      if (before == nullptr || after == nullptr) continue;
      figures.push_back({subjects[i].name, key, before->metric.unit, before->value, after->value});
    }
  }
  return figures;
}

bool is_stream(const std::string& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  return path == "-" || (std::filesystem::exists(status) && !is_regular_file(status));
}

// Unless the user says what to replay both with, it is glibc's malloc, if the copy can be read
// again.
std::vector<Subject> replayed_with(const GenerateOptions& options) {
  const auto& names = options.replay;
  const bool none = std::find(names.begin(), names.end(), kNone) != names.end();
  if (none && names.size() > 1) {
    throw Error("--replay none goes with no other --replay", ExitCode::kUsage);
  }
  if (none || (names.empty() && is_stream(options.output))) return {};
  if (is_stream(options.output)) {
    throw Error("--replay needs the copy in a file; give -o FILE", ExitCode::kUsage);
  }
  if (names.empty()) return {resolve_subject("glibc", program_directory())};
  std::vector<Subject> subjects;
  for (const std::string& name : names) {
    subjects.push_back(resolve_subject(name, program_directory()));
  }
  return subjects;
}

int run_like(const GenerateOptions& options) {
  const std::vector<Subject> subjects = replayed_with(options);
  const std::uint64_t seed = parse_seed(options.seed);
  std::error_code ignored;  // there is no file yet
  if (std::filesystem::equivalent(options.like, options.output, ignored)) {
    throw Error(fmt::format("{} is the original itself; give the copy another name with -o",
                            options.output),
                ExitCode::kUsage);
  }
  std::optional<OutputFile> report_file;
  if (!options.report.empty()) report_file.emplace(options.report);

  const gen::Marginals original = measure(options.like);
  gen::Random random(seed);
  TraceReader reader(options.like);
  const gen::Model model = gen::fit_model(reader, gen::extent_of(original), random);
  TraceHeader header;
  header.time_unit_ns = model.time_unit_ns;
  header.provenance = {{"generator", "like"},
                       {"generator_version", gen::kModelVersion},
                       {"seed", seed},
                       {"scale", options.copy.scale},
                       {"threads", options.copy.copies},
                       {"original",
                        {{"file", std::filesystem::path(options.like).filename().string()},
                         {"events", original.events},
                         {"provenance", reader.header().provenance}}}};
  gen::MarginalsMeter meter;
  LikenessReport report;
  report.copy_events = write_trace(options, header, 0, &meter, [&](gen::Emitter& out) {
    gen::generate_copy(model, options.copy, random, out);
  });
  report.original = options.like;
  report.copy = options.output;
  report.original_events = original.events;
  report.options = options.copy;
  report.seed = seed;
  report.distances = gen::distances(model, options.copy, original, meter.finish());
  if (!subjects.empty()) report.replayed = replay_both(options, subjects);
  if (!options.quiet) fmt::print(stderr, "{}", to_text(report));
  if (report_file) {
    report_file->append(document_text(to_json(report)));
    report_file->commit();
  }
  return 0;
}

int run_generate(const GenerateOptions& options) {
  if (options.list) return run_generator_list(options);
  if (options.name.empty() == options.like.empty()) {
    throw Error("generate takes the NAME of a generator or --like FILE; see generate --list",
                ExitCode::kUsage);
  }
  if (options.output.empty()) {
    throw Error("generate needs -o FILE, or -o - for standard output", ExitCode::kUsage);
  }
  if (!options.like.empty()) return run_like(options);
  return run_named(options);
}

}  // namespace

Command setup_generate(CLI::App& root) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* app = add_subcommand(root, "generate", "Make a trace, or one like a recorded one");
  app->add_option("NAME", options->name, "Generator (see --list)")->type_name("");
  app->add_option("-s,--seed", options->seed, "Seed of the random numbers [0]")->type_name("N");
  CLI::Option* param =
      app->add_option("-p,--param", options->settings, "Parameter of the generator; repeatable")
          ->type_name("NAME=VALUE")
          ->allow_extra_args(false);
  app->add_option("-o,--output", options->output, "Trace to write; - is standard output")
      ->type_name("FILE");
  CLI::Option* like =
      app->add_option("--like", options->like, "Fit a model to this trace and generate from it")
          ->type_name("FILE")
          ->excludes(param);
  const auto times = CLI::Range(std::uint64_t{1}, std::uint64_t{100'000}).description("");
  app->add_option("--scale", options->copy.scale,
                  "With --like: N times the events, for N times the work [1]")
      ->type_name("N")
      ->check(times)
      ->needs(like);
  app->add_option("--threads", options->copy.copies,
                  "With --like: N times the threads, N programs side by side [1]")
      ->type_name("N")
      ->check(times)
      ->needs(like);
  app->add_option("--replay", options->replay,
                  "With --like: replay both traces with this allocator and compare; repeatable "
                  "[glibc, or none where the copy goes to a pipe]")
      ->type_name("NAME|LIB.so|none")
      ->allow_extra_args(false)
      ->needs(like);
  app->add_option("--report", options->report, "With --like: write the distances there, as JSON")
      ->type_name("FILE")
      ->needs(like);
  CLI::Option* list = app->add_flag("-l,--list", options->list,
                                    "Print the generators (or the one named), their parameters, "
                                    "defaults and sources");
  app->add_flag("--json", options->json, "The list as JSON")->needs(list);
  app->add_flag("-q,--quiet", options->quiet, "No progress, no report on standard error");
  app->footer(kGenerateExamples);
  return {app, [options] { return run_generate(*options); }};
}

}  // namespace replay::cli
