// Is a trace whole, and does it make sense?
#include "replay/trace/validate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "replay/cli/command.h"
#include "replay/cli/read_progress.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ValidateOptions {
  std::string trace;
  bool json = false;
  bool quiet = false;
};

struct Outcome {
  Validation validation;
  std::string problem;  // "" for a good trace
  bool opened = false;  // as far as its first event
};

Outcome check(const ValidateOptions& options) {
  Validator validator;
  Outcome outcome;
  try {
    TraceReader reader(options.trace);
    outcome.opened = true;
    ReadProgress progress({&reader}, !options.quiet);
    bool ok = true;
    for (auto block = reader.next_block(); ok && !block.empty(); block = reader.next_block()) {
      ok = validator.feed(block);
      progress.update();
    }
    if (ok) validator.expect_counts(reader.header());
    const Validation& result = validator.result();
    if (!result.ok()) {
      outcome.problem =
          fmt::format("{}: event {}: {}", reader.path(), result.events, result.violation);
    }
  } catch (const Error& error) {
    outcome.problem = error.what();
  }
  outcome.validation = validator.result();
  return outcome;
}

int run_validate(const ValidateOptions& options) {
  const auto [result, problem, opened] = check(options);
  const bool ok = problem.empty();
  if (options.json) {
    const Json report = {{"schema", "allocreplay-validate"},
                         {"schema_version", "1.0"},
                         {"path", options.trace},
                         {"valid", ok},
                         {"problem", ok ? Json() : Json(problem)},
                         {"valid_events", result.events},
                         {"objects", result.objects},
                         {"frees", result.frees},
                         {"reallocs", result.reallocs},
                         {"threads", result.threads},
                         {"live_at_end", result.live_at_end()}};
    print_json(stdout, report);
  } else if (ok && !options.quiet) {
    fmt::print("{}: valid: {} events, {} objects, {} threads; {} objects never freed\n",
               options.trace, result.events, result.objects, result.threads, result.live_at_end());
  }
  if (!ok && !options.json) {
    const std::string good =
        fmt::format(" ({} events before it are good; see: allocreplay repair)", result.events);
    fmt::print(stderr, "allocreplay: {}{}\n", problem, opened ? good : "");
  }
  return static_cast<int>(ok ? ExitCode::kOk : ExitCode::kError);
}

constexpr const char* kValidateExamples = R"(Examples:
  allocreplay validate redis.trace
  allocreplay validate redis.trace --json

Checks every checksum and count, and that objects are born in order and only live ones resized, to a
byte or more, or freed, threads numbered in order, times never decreasing. Exit status: 0 valid, 1
not, 2 wrong usage.)";

}  // namespace

Command setup_validate(CLI::App& root) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App* app = add_subcommand(root, "validate", "Check that a trace is whole and makes sense");
  app->add_option("TRACE", options->trace, "Trace file; - is standard input")
      ->required()
      ->type_name("");
  app->add_flag("--json", options->json, "As JSON, problems too");
  app->add_flag("-q,--quiet", options->quiet, "Say nothing of a valid trace; no progress");
  app->footer(kValidateExamples);
  return {app, [options] { return run_validate(*options); }};
}

}  // namespace replay::cli
