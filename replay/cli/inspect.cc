// What a trace is like, as text or JSON; or its first events as tab-separated text.
#include <fmt/format.h>

#include <algorithm>

#include "replay/cli/command.h"
#include "replay/cli/inspect_report.h"
#include "replay/cli/range.h"
#include "replay/cli/read_progress.h"
#include "replay/metrics/metric.h"
#include "replay/trace/summary.h"

namespace replay::cli {
namespace {

constexpr const char* kInspectExamples =
    "Examples:\n"
    "  allocreplay inspect redis.trace\n"
    "  allocreplay inspect redis.trace --json | python3 -m json.tool\n"
    "  allocreplay inspect redis.trace --events 20\n"
    "  allocreplay inspect redis.trace --events 1M: --allow-truncated\n"
    "  allocreplay inspect server.trace --top 30     of a trace recorded with --sites\n"
    "  zstdcat a.trace.zst | allocreplay inspect -\n";

struct InspectOptions {
  std::string trace;
  std::string events;
  std::size_t top = 10;
  bool json = false;
  bool allow_truncated = false;
  bool quiet = false;
};

}  // namespace

std::vector<SiteUse> hot_sites(const Summary& summary, std::size_t top) {
  std::vector<SiteUse> hot;
  for (const Heat& heat : kHeats) {
    for (const SiteUse& use : hottest(summary.sites, heat.measure, top)) hot.push_back(use);
  }
  std::sort(hot.begin(), hot.end(),
            [](const SiteUse& a, const SiteUse& b) { return a.site < b.site; });
  hot.erase(std::unique(hot.begin(), hot.end()), hot.end());
  return hot;
}

namespace {

EventRange range_of(const std::string& text) {
  if (text.find(':') != std::string::npos) return parse_range(text);
  return {.from = 0, .to = parse_count(text)};
}

void print_events(TraceReader& reader, const EventRange& range) {
  const bool sites = reader.header().has_sites;
  const bool touched = reader.header().has_touched;
  fmt::print("event\ttime_ns\tthread\top\tobject\tsize\talign_log2{}{}\n", sites ? "\tsite" : "",
             touched ? "\ttouched" : "");
  std::uint64_t index = reader.seek(range.from);
  while (index < range.to) {
    const auto block = reader.next_block();
    if (block.empty()) return;
    for (const Event& event : block) {
      if (index >= range.from && index < range.to) {
        fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}", index, event.time_ns, event.thread,
                   op_name(event.op), event.object, event.size, event.align_log2);
        if (sites) fmt::print("\t{}", event.site);
        if (touched) fmt::print("\t{}", event.touched);
        fmt::print("\n");
      }
      ++index;
    }
  }
}

int run_inspect(const InspectOptions& options) {
  TraceReader reader(options.trace, {.allow_truncated = options.allow_truncated});
  if (!options.events.empty()) {
    print_events(reader, range_of(options.events));
  } else {
    std::optional<ReadProgress> progress(std::in_place, std::vector{&std::as_const(reader)},
                                         !options.quiet);
    const Summary summary = summarize(reader, [&] { progress->update(); });
    progress.reset();
    if (options.json) {
      print_json(stdout, inspection(reader, summary, options.top));
    } else {
      print_inspection(reader, summary, options.top);
    }
  }
  if (reader.truncated()) fmt::print(stderr, "allocreplay: {}\n", reader.truncation());
  return 0;
}

}  // namespace

Command setup_inspect(CLI::App& root) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* app = add_subcommand(root, "inspect", "Show what a trace is like");
  app->add_option("TRACE", options->trace,
                  "Trace file (made by: allocreplay record); - is standard input")
      ->required()
      ->type_name("");
  CLI::Option* json = app->add_flag("--json", options->json, "As JSON");
  app->add_option("-e,--events", options->events,
                  "Print these events as tab-separated text instead: the first N, or FROM:TO")
      ->type_name("N|FROM:TO")
      ->excludes(json);
  app->add_option("--top", options->top,
                  "Of a trace with call sites: how many of the hottest to show in each respect")
      ->type_name("N")
      ->capture_default_str();
  app->add_flag("--allow-truncated", options->allow_truncated,
                "Use what is whole of a damaged or unfinished trace");
  app->add_flag("-q,--quiet", options->quiet, "No progress");
  app->footer(kInspectExamples);
  return {app, [options] { return run_inspect(*options); }};
}

}  // namespace replay::cli
