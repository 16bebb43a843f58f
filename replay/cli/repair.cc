// What is good of a damaged trace, as a good trace.
#include "replay/cli/command.h"
#include "replay/cli/rewrite_job.h"

namespace replay::cli {
namespace {

int run_repair(RewriteOptions options) {
  options.allow_truncated = true;
  RewriteJob job(options);
  const RewriteCounts counts =
      copy_valid(job.reader(), job.open(job.derived_header()), job.progress());
  return job.finish(counts,
                    {{"command", "repair"},
                     {"truncation", job.reader().truncation()},
                     {"births_left_out", counts.births_left_out},
                     {"reallocs_left_out", counts.reallocs_left_out},
                     {"frees_left_out", counts.frees_left_out}},
                    std::nullopt, counts.read - counts.written);
}

constexpr const char* kRepairExamples = R"(Examples:
  allocreplay repair killed.trace -o whole.trace
  allocreplay validate whole.trace

Uses all whole blocks up to the first damage, leaves out frees and reallocs of what is not live and
reallocs to 0 bytes, and numbers threads and objects as they appear. What went is printed, stands in
the new trace's provenance, and counts as lost. A header that is damaged cannot be repaired.)";

}  // namespace

Command setup_repair(CLI::App& root) {
  auto options = std::make_shared<RewriteOptions>();
  CLI::App* app = add_subcommand(root, "repair", "Make a good trace of what is good of a bad one");
  add_single_input(app, options.get());
  add_rewrite_options(app, options.get(), false);
  app->footer(kRepairExamples);
  return {app, [options] { return run_repair(*options); }};
}

}  // namespace replay::cli
