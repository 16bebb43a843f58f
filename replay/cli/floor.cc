// What no allocator could beat on a trace.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "replay/cli/command.h"
#include "replay/cli/floor_report.h"
#include "replay/cli/progress_bar.h"
#include "replay/cli/range.h"
#include "replay/trace/error.h"
#include "replay/trace/file_hash.h"
#include "replay/trace/output_file.h"

namespace replay::cli {
namespace {

struct FloorCommandOptions {
  std::string trace;
  std::string events;
  std::vector<std::string> classes = {class_table_names().begin(), class_table_names().end()};
  std::string format = "text";
  std::string output;
  bool allow_truncated = false;
  bool quiet = false;
};

Floor floor_of(const FloorCommandOptions& options, TraceReader& reader) {
  FloorOptions floor_options;
  if (!options.events.empty()) {
    const EventRange range = parse_range(options.events);
    floor_options.from = range.from;
    floor_options.to = range.to;
  }
  floor_options.page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const std::string& text : options.classes) {
    floor_options.tables.push_back(parse_class_table(text));
  }
  ProgressBar bar(!options.quiet);
  return find_floor(reader, floor_options,
                    [&](double share, const char* what) { bar.update(share, what); });
}

int run_floor(const FloorCommandOptions& options) {
  OutputFile output(options.output.empty() ? "-" : options.output);
  TraceReader reader(options.trace, {.allow_truncated = options.allow_truncated});
  FloorReport report;
  report.floor = floor_of(options, reader);
  report.trace = reader.path();
  if (options.trace != "-") report.sha256 = file_sha256(options.trace);
  report.truncation = reader.truncation();
  for (const FloorFormat& format : floor_formats()) {
    if (options.format == format.name) output.append(format.render(report));
  }
  output.commit();
  return static_cast<int>(ExitCode::kOk);
}

constexpr const char* kFloorExamples = R"(Examples:
  allocreplay floor traces/redis.trace
  allocreplay floor redis.trace --format json -o floor.json
  allocreplay floor redis.trace --events 1M:1.5M --classes mem
  allocreplay floor redis.trace --classes 16,32,64,128,256,512 --classes my_classes.txt
  allocreplay generate phases -o - | allocreplay floor -

Floors, each at its peak: the bytes live; the same with each object rounded up to 16 bytes; the
best packing of them that was found by who knows the whole trace; and for each table of size
classes, with a page for one class only. Pages are those that hold a live byte. Exit status: 0 done,
1 error, 2 wrong usage.)";

}  // namespace

Command setup_floor(CLI::App& root) {
  auto options = std::make_shared<FloorCommandOptions>();
  CLI::App* app = add_subcommand(root, "floor", "Show what no allocator could beat on a trace");
  app->add_option("TRACE", options->trace,
                  "Trace file (made by: allocreplay record); - is standard input")
      ->required()
      ->type_name("");
  app->add_option("-e,--events", options->events,
                  "The floor of these events; what is live before FROM counts")
      ->type_name("FROM:TO");
  app->add_option("-c,--classes", options->classes,
                  "Size classes: mem, powers or jemalloc; sizes in bytes; or a file of sizes, one "
                  "a line; may be given several times [all three names]")
      ->type_name("NAME|16,32,...|FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  std::vector<std::string> formats;
  for (const FloorFormat& format : floor_formats()) formats.emplace_back(format.name);
  app->add_option("-f,--format", options->format, "How to write it")
      ->type_name(CLI::detail::join(formats, "|"))
      ->capture_default_str()
      ->check(CLI::IsMember(formats).description(""));
  app->add_option("-o,--output", options->output,
                  "Write it to this file, whole or not at all [standard output]")
      ->type_name("FILE");
  app->add_flag("--allow-truncated", options->allow_truncated,
                "Use what is whole of a damaged or unfinished trace");
  app->add_flag("-q,--quiet", options->quiet, "No progress");
  app->footer(kFloorExamples);
  return {app, [options] { return run_floor(*options); }};
}

}  // namespace replay::cli
