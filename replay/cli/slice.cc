// A window of a trace that stands on its own.
#include "replay/cli/command.h"
#include "replay/cli/range.h"
#include "replay/cli/rewrite_job.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

struct SliceOptions {
  RewriteOptions rewrite;
  std::string events;
  std::string born_before = "birth";
};

int run_slice(const SliceOptions& options) {
  const EventRange range = parse_range(options.events);
  const bool births = options.born_before == "birth";
  RewriteJob job(options.rewrite);
  job.set_wanted(range.to);
  TraceWriter& writer = job.open(job.derived_header());
  const RewriteCounts counts = slice(
      job.reader(), writer,
      {range.from, range.to, births ? BornBefore::kAtStart : BornBefore::kLeftOut}, job.progress());
  if (writer.events() == 0) {
    throw Error(job.reader().path() + ": no event in " + options.events);
  }
  return job.finish(
      counts,
      {{"command", "slice"}, {"events", options.events}, {"born_before", options.born_before}});
}

constexpr const char* kSliceExamples = R"(Examples:
  allocreplay slice redis.trace -e 1M:1.5M -o window.trace
  allocreplay slice redis.trace -e 1M: --born-before drop -o - | allocreplay inspect -

Objects born before the window that live in it are born at its start, in their order and as large as
they are then (birth), or left out with all that is done to them (drop). What still lives at the end
of the window is not freed. Times stay as they were.)";

}  // namespace

Command setup_slice(CLI::App& root) {
  auto options = std::make_shared<SliceOptions>();
  CLI::App* app = add_subcommand(root, "slice", "Cut a self-consistent window out of a trace");
  add_single_input(app, &options->rewrite);
  app->add_option("-e,--events", options->events, "The window; TO is not in it")
      ->type_name("FROM:TO")
      ->required();
  app->add_option("--born-before", options->born_before, "What becomes of older objects")
      ->type_name("birth|drop")
      ->capture_default_str()
      ->check(CLI::IsMember({"birth", "drop"}).description(""));
  add_rewrite_options(app, &options->rewrite);
  app->footer(kSliceExamples);
  return {app, [options] { return run_slice(*options); }};
}

}  // namespace replay::cli
