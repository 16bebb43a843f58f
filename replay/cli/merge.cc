// Several traces made one.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "replay/cli/command.h"
#include "replay/cli/rewrite_job.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

struct MergeOptions {
  RewriteOptions rewrite;
  std::string by = "time";
};

std::vector<MergeSource> by_wall_clock(RewriteJob& job, TraceHeader* header) {
  std::uint64_t first = UINT64_MAX;
  for (std::size_t i = 0; i < job.inputs(); ++i) {
    const std::uint64_t start = job.reader(i).header().start_unix_ns;
    if (start == 0) {
      throw Error(fmt::format("{}: it does not say when it began; use --by time or --by order",
                              job.reader(i).path()));
    }
    first = std::min(first, start);
  }
  header->start_unix_ns = first;
  std::vector<MergeSource> sources;
  for (std::size_t i = 0; i < job.inputs(); ++i) {
    sources.push_back({&job.reader(i), job.reader(i).header().start_unix_ns - first});
  }
  return sources;
}

// Of which every time is a multiple.
TraceHeader header_of(RewriteJob& job) {
  TraceHeader header = job.derived_header();
  for (std::size_t i = 0; i < job.inputs(); ++i) {
    header.time_unit_ns = std::gcd(header.time_unit_ns, job.reader(i).header().time_unit_ns);
  }
  header.provenance = Json::object();
  return header;
}

// With nothing in it that a new list of parts would leave out.
bool is_of_merge(const Json& provenance) {
  const auto is_list = [&](const char* key) {
    const auto found = provenance.find(key);
    return found != provenance.end() && found->is_array();
  };
  return provenance.size() == 2 && is_list("merged") && is_list("history");
}

// What the new trace is made of, and what was done to it before. An input that is itself merged
// gives its own parts and history: nested, each merge would go deeper, and no reader takes any
// depth.
Json provenance_of(RewriteJob& job) {
  Json merged = Json::array();
  Json history = Json::array();
  const auto append = [](const Json& from, Json* to) {
    to->insert(to->end(), from.begin(), from.end());
  };
  for (std::size_t i = 0; i < job.inputs(); ++i) {
    const TraceReader& reader = job.reader(i);
    const Json& provenance = reader.header().provenance;
    if (is_of_merge(provenance)) {
      append(provenance["merged"], &merged);
      append(provenance["history"], &history);
    } else {
      merged.push_back({{"trace", reader.path()},
                        {"start_unix_ns", reader.header().start_unix_ns},
                        {"provenance", provenance}});
    }
  }
  return {{"merged", merged}, {"history", history}};
}

int run_merge(const MergeOptions& options) {
  RewriteJob job(options.rewrite);
  TraceHeader header = header_of(job);
  std::vector<MergeSource> sources;
  for (std::size_t i = 0; i < job.inputs(); ++i) sources.push_back({&job.reader(i)});
  if (options.by == "wall-clock") {
    sources = by_wall_clock(job, &header);
    header.time_unit_ns = 1;
  }
  const std::vector<std::uint32_t> sites_before = job.place_sites();
  for (std::size_t i = 0; i < job.inputs(); ++i) sources[i].sites_before = sites_before[i];
  TraceWriter& writer = job.open(header);
  const RewriteCounts counts = options.by == "order"
                                   ? concatenate(sources, writer, job.progress())
                                   : merge_by_time(sources, writer, job.progress());
  return job.finish(counts, {{"command", "merge"}, {"by", options.by}}, provenance_of(job));
}

constexpr const char* kMergeExamples = R"(Examples:
  allocreplay merge a.trace b.trace -o both.trace                  as if started together
  allocreplay merge a.trace b.trace --by order -o a_then_b.trace   one after the other
  allocreplay merge server.trace client.trace --by wall-clock -o host.trace

Threads are numbered anew in the order in which they appear, so each trace keeps its own.
Call sites are kept of all that have them; of those, one at most may come from a pipe.)";

}  // namespace

Command setup_merge(CLI::App& root) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* app = add_subcommand(root, "merge", "Make one trace of several");
  app->add_option("TRACES", options->rewrite.inputs, "Trace files; one may be -, standard input")
      ->required()
      ->type_name("");
  app->add_option("--by", options->by,
                  "Side by side from their starts (time) or as their clocks stood (wall-clock), or "
                  "one after the other (order)")
      ->type_name("time|wall-clock|order")
      ->capture_default_str()
      ->check(CLI::IsMember({"time", "wall-clock", "order"}).description(""));
  add_rewrite_options(app, &options->rewrite);
  app->footer(kMergeExamples);
  return {app, [options] { return run_merge(*options); }};
}

}  // namespace replay::cli
