// A trace that says what was asked of the allocator and nothing of who asked.
#include "replay/cli/command.h"
#include "replay/cli/rewrite_job.h"

namespace replay::cli {
namespace {

int run_anonymise(const RewriteOptions& options) {
  RewriteJob job(options);
  TraceHeader header;
  header.time_unit_ns = job.reader().header().time_unit_ns;
  header.has_touched = job.reader().header().has_touched;
  const RewriteCounts counts = copy_valid(job.reader(), job.open(header), job.progress());
  nlohmann::ordered_json step = {{"command", "anonymise"}};
  const TraceReader& reader = job.reader();
  if (reader.truncated()) {  // said without the name of the file, which stands before it
    step["truncation"] = reader.truncation().substr(reader.path().size() + 2);
  }
  return job.finish(counts, step, nlohmann::ordered_json::object());
}

constexpr const char* kAnonymiseExamples = R"(Examples:
  allocreplay anonymise service.trace -o public.trace

Kept: operations, sizes, alignments, their order, times since the start, thread numbers, the number
of lost calls. Gone: the provenance (command, host, libraries, date), the wall clock, call sites and
every string. Sizes and times may still tell a program from another.)";

}  // namespace

Command setup_anonymise(CLI::App& root) {
  auto options = std::make_shared<RewriteOptions>();
  CLI::App* app = add_subcommand(root, "anonymise", "Take out what names people and programs");
  add_single_input(app, options.get());
  add_rewrite_options(app, options.get());
  app->footer(kAnonymiseExamples);
  return {app, [options] { return run_anonymise(*options); }};
}

}  // namespace replay::cli
