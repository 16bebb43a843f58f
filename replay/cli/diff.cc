// How the statistics of two traces differ.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "replay/cli/command.h"
#include "replay/cli/read_progress.h"
#include "replay/trace/error.h"
#include "replay/trace/tools/difference.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DiffOptions {
  std::string a;
  std::string b;
  bool json = false;
  bool quiet = false;
  bool allow_truncated = false;
};

Summary summary_of(const std::string& path, const DiffOptions& options) {
  TraceReader reader(path, {.allow_truncated = options.allow_truncated});
  ReadProgress progress({&reader}, !options.quiet);
  Summary summary = summarize(reader, [&] { progress.update(); });
  if (reader.truncated()) fmt::print(stderr, "allocreplay: {}\n", reader.truncation());
  return summary;
}

void print_as_json(const DiffOptions& options, const Difference& difference) {
  Json figures;
  for (const FigureDifference& figure : difference.figures) {
    figures[figure.name] = {{"a", figure.a},
                            {"b", figure.b},
                            {"ratio", figure.ratio() ? Json(*figure.ratio()) : Json()}};
  }
  Json distances;
  for (const DistributionDifference& distribution : difference.distributions) {
    distances[distribution.name] = distribution.distance ? Json(*distribution.distance) : Json();
  }
  const Json document = {{"schema", "allocreplay-diff"},
                         {"schema_version", "1.0"},
                         {"a", options.a},
                         {"b", options.b},
                         {"same", difference.same()},
                         {"figures", figures},
                         {"distances", distances}};
  print_json(stdout, document);
}

void print_as_text(const DiffOptions& options, const Difference& difference) {
  fmt::print("a: {}\nb: {}\n\n{:<26} {:>16} {:>16} {:>9}\n", options.a, options.b, "", "a", "b",
             "b / a");
  for (const FigureDifference& figure : difference.figures) {
    const auto ratio = figure.ratio();
    fmt::print("{:<26} {:>16.10g} {:>16.10g} {:>9}\n", figure.name, figure.a, figure.b,
               ratio ? fmt::format("{:.4g}", *ratio) : "-");
  }
  fmt::print("\nDistance of the distributions, 0 (the same) to 1\n");
  for (const DistributionDifference& distribution : difference.distributions) {
    fmt::print("{:<26} {:>16}\n", distribution.name,
               distribution.distance ? fmt::format("{:.4f}", *distribution.distance) : "-");
  }
}

int run_diff(const DiffOptions& options) {
  if (options.a == "-" && options.b == "-") {
    throw Error("standard input (-) can be read once only", ExitCode::kUsage);
  }
  const Summary a = summary_of(options.a, options);
  const Difference result = difference(a, summary_of(options.b, options));
  if (options.json) {
    print_as_json(options, result);
  } else {
    print_as_text(options, result);
  }
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kDiffExamples = R"(Examples:
  allocreplay diff redis.trace copy.trace
  allocreplay diff before.trace after.trace --json

The distance of two distributions is the greatest difference of their cumulative shares
(Kolmogorov-Smirnov), taken at powers of two; that of the curves of live bytes, each as a share of
its peak, the greatest difference at the same share of the events.)";

}  // namespace

Command setup_diff(CLI::App& root) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* app = add_subcommand(root, "diff", "Compare the statistics of two traces");
  app->add_option("A", options->a, "Trace file; - is standard input")->required()->type_name("");
  app->add_option("B", options->b, "The trace to compare with it")->required()->type_name("");
  app->add_flag("--json", options->json, "As JSON");
  app->add_flag("-q,--quiet", options->quiet, "No progress");
  app->add_flag("--allow-truncated", options->allow_truncated,
                "Use what is whole of a damaged or unfinished trace");
  app->footer(kDiffExamples);
  return {app, [options] { return run_diff(*options); }};
}

}  // namespace replay::cli
