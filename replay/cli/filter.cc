// The objects of some threads or sizes, with their whole lives.
#include <algorithm>
#include <optional>

#include "replay/cli/command.h"
#include "replay/cli/range.h"
#include "replay/cli/rewrite_job.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

struct Options {
  RewriteOptions rewrite;
  std::vector<std::uint32_t> threads;
  std::string sizes;
};

int run_filter(const Options& options) {
  nlohmann::ordered_json step = {{"command", "filter"}};
  if (!options.threads.empty()) step["threads"] = options.threads;
  if (!options.sizes.empty()) step["sizes"] = options.sizes;
  if (step.size() == 1) {
    throw Error("filter: say what to keep: --thread or --size", ExitCode::kUsage);
  }
  const EventRange sizes = options.sizes.empty() ? EventRange{} : parse_range(options.sizes);
  RewriteJob job(options.rewrite);
  const RewriteCounts counts = filter(
      job.reader(), job.open(job.derived_header()),
      [&](const Event& birth) {
        const auto& threads = options.threads;
        return (threads.empty() ||
                std::find(threads.begin(), threads.end(), birth.thread) != threads.end()) &&
               birth.size >= sizes.from && birth.size < sizes.to;
      },
      job.progress());
  return job.finish(counts, step);
}

constexpr const char* kExamples = R"(Examples:
  allocreplay filter ruby.trace --thread 0 --thread 3 -o two.trace
  allocreplay filter redis.trace --size 1024:65536 -o mid.trace
  allocreplay filter redis.trace --size :64 -o - | allocreplay inspect -

An object is kept, with all that any thread does to it, if its birth is what was asked for: by one of
the threads, of FROM or more and less than TO bytes. Threads and objects are numbered anew.)";

}  // namespace

Command setup_filter(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = add_subcommand(root, "filter", "Keep the objects of some threads or sizes");
  add_single_input(app, &options->rewrite);
  app->add_option("-t,--thread", options->threads,
                  "Objects that this thread allocated; may be given several times")
      ->type_name("N")
      ->allow_extra_args(false);
  app->add_option("-s,--size", options->sizes, "Objects of so many bytes when they were born")
      ->type_name("FROM:TO");
  add_rewrite_options(app, &options->rewrite);
  app->footer(kExamples);
  return {app, [options] { return run_filter(*options); }};
}

}  // namespace replay::cli
