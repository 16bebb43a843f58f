// The objects of some threads, sizes or call sites, with their whole lives.
#include <fmt/format.h>

#include <algorithm>

#include "replay/cli/command.h"
#include "replay/cli/range.h"
#include "replay/cli/rewrite_job.h"
#include "replay/cli/standard_input.h"
#include "replay/trace/error.h"
#include "replay/trace/tools/site_match.h"

namespace replay::cli {
namespace {

struct FilterOptions {
  RewriteOptions rewrite;
  std::vector<std::uint32_t> threads;
  std::string sizes;
  std::vector<std::string> sites;
};

// By a site's number; empty if sites do not matter.
std::vector<bool> wanted_sites(const FilterOptions& options, TraceReader& reader) {
  if (options.sites.empty()) return {};
  if (!reader.header().has_sites) {
    throw Error(reader.path() +
                ": does not say where the program called malloc; record it with --sites");
  }
  std::vector<bool> wanted = matching_sites(RewriteJob::sites_of(reader), options.sites);
  if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) {
    throw Error(fmt::format("{}: none of its {} stacks has '{}' in it; inspect shows some of them",
                            reader.path(), wanted.size() - 1, fmt::join(options.sites, "' or '")));
  }
  reader.seek(0);
  return wanted;
}

int run_filter(const FilterOptions& options) {
  nlohmann::ordered_json step = {{"command", "filter"}};
  if (!options.threads.empty()) step["threads"] = options.threads;
  if (!options.sizes.empty()) step["sizes"] = options.sizes;
  if (!options.sites.empty()) step["sites"] = options.sites;
  if (step.size() == 1) {
    throw Error("filter: say what to keep: --thread, --size or --site", ExitCode::kUsage);
  }
  const EventRange sizes = options.sizes.empty() ? EventRange{} : parse_range(options.sizes);
  if (!options.sites.empty() && options.rewrite.inputs.front() == "-") {
    make_standard_input_a_file(!options.rewrite.quiet);
  }
  RewriteJob job(options.rewrite);
  const std::vector<bool> sites = wanted_sites(options, job.reader());
  const RewriteCounts counts = filter(
      job.reader(), job.open(job.derived_header()),
      [&](const Event& birth) {
        const auto& threads = options.threads;
        return (threads.empty() ||
                std::find(threads.begin(), threads.end(), birth.thread) != threads.end()) &&
               birth.size >= sizes.from && birth.size < sizes.to &&
               (sites.empty() || (birth.site < sites.size() && sites[birth.site]));
      },
      job.progress());
  return job.finish(counts, step);
}

constexpr const char* kFilterExamples = R"(Examples:
  allocreplay filter ruby.trace --thread 0 --thread 3 -o two.trace
  allocreplay filter redis.trace --size 1024:65536 -o mid.trace
  allocreplay filter redis.trace --size :64 -o - | allocreplay inspect -
  allocreplay filter server.trace --site 'parse_(header|body)' --site /usr/lib/libssl -o part.trace

An object is kept, with all that any thread does to it, if its birth is what was asked for: by one of
the threads, of FROM or more and less than TO bytes, from one of the sites. A call is from a site if a
frame of its stack, written as inspect does, has TEXT in it, word for word or as an extended regular
expression (grep -E). Threads and objects are numbered anew.)";

}  // namespace

Command setup_filter(CLI::App& root) {
  auto options = std::make_shared<FilterOptions>();
  CLI::App* app =
      add_subcommand(root, "filter", "Keep the objects of some threads, sizes or call sites");
  add_single_input(app, &options->rewrite);
  app->add_option("-t,--thread", options->threads,
                  "Objects that this thread allocated; may be given several times")
      ->type_name("N")
      ->allow_extra_args(false);
  app->add_option("-s,--size", options->sizes, "Objects of so many bytes when they were born")
      ->type_name("FROM:TO");
  app->add_option("--site", options->sites,
                  "Objects that were allocated here (a trace recorded with --sites); may be given "
                  "several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  add_rewrite_options(app, &options->rewrite);
  app->footer(kFilterExamples);
  return {app, [options] { return run_filter(*options); }};
}

}  // namespace replay::cli
