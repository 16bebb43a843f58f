#include "replay/cli/rewrite_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "replay/cli/command.h"
#include "replay/report/context.h"
#include "replay/trace/error.h"
#include "replay/trace/tools/site_merge.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

void add_rewrite_options(CLI::App* app, RewriteOptions* options, bool may_truncate) {
  app->add_option("-o,--output", options->output,
                  "The trace to write, whole or not at all; - is standard output")
      ->type_name("FILE")
      ->required();
  app->add_flag("--json", options->json,
                "Report as JSON on standard output (on standard error if the trace goes there)");
  app->add_flag("-q,--quiet", options->quiet, "No report, no progress");
  if (may_truncate) {
    app->add_flag("--allow-truncated", options->allow_truncated,
                  "Use what is whole of a damaged or unfinished trace");
  }
}

void add_single_input(CLI::App* app, RewriteOptions* options) {
  app->add_option("TRACE", options->inputs, "Trace file; - is standard input")
      ->required()
      ->expected(1)
      ->type_name("");
}

std::uint64_t missing_events(const TraceReader& reader, std::uint64_t wanted) {
  if (!reader.truncated() || !reader.header().complete) return 0;
  const std::uint64_t all = std::min(reader.header().event_count, wanted);
  return all - std::min(all, reader.events_read());
}

void add_to_history(Json step, Json* provenance) {
  step["tool"] = version_text();
  Json& history = (*provenance)["history"];
  if (!history.is_array()) history = Json::array();
  history.push_back(std::move(step));
}

RewriteJob::RewriteJob(const RewriteOptions& options) : options_(options) {
  if (std::count(options.inputs.begin(), options.inputs.end(), "-") > 1) {
    throw Error("standard input (-) can be read once only", ExitCode::kUsage);
  }
  std::vector<const TraceReader*> all;
  for (const std::string& input : options.inputs) {
    readers_.push_back(std::make_unique<TraceReader>(
        input, ReadOptions{.allow_truncated = options.allow_truncated}));
    all.push_back(readers_.back().get());
  }
  bar_.emplace(all, !options.quiet);
}

std::vector<std::uint32_t> RewriteJob::place_sites() {
  std::vector<std::uint32_t> before(readers_.size(), 0);
  const auto place = [&](bool streams) {
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      TraceReader& reader = *readers_[i];
      if (reader.bytes_total().has_value() == streams || !reader.header().has_sites) continue;
      site_order_.push_back(i);
      before[i] = stacks_before_;
      if (streams) continue;
      stacks_before_ += static_cast<std::uint32_t>(sites_of(reader).stacks.size());
      reader.seek(0);
    }
  };
  place(false);
  const std::size_t in_files = site_order_.size();
  place(true);  // how many sites it has is known when it was read, and so it must be the last
  if (site_order_.size() > in_files + 1) {
    throw Error("of the traces to merge, one that has call sites can come from a pipe, not more",
                ExitCode::kUsage);
  }
  return before;
}

// The stacks stand at the end of a trace.
const SiteTable& RewriteJob::sites_of(TraceReader& reader) {
  reader.seek(std::numeric_limits<std::uint64_t>::max());
  return reader.sites();
}

SiteTable RewriteJob::all_sites() {
  SiteTable all;
  if (readers_.size() == 1) return sites_of(*readers_.front());
  for (const std::size_t i : site_order_) append_sites(sites_of(*readers_[i]), &all);
  return all;
}

TraceWriter& RewriteJob::open(const TraceHeader& header) {
  writer_ = std::make_unique<TraceWriter>(options_.output, header);
  return *writer_;
}

TraceHeader RewriteJob::derived_header() const {
  const TraceHeader& from = readers_.front()->header();
  TraceHeader header;
  header.time_unit_ns = from.time_unit_ns;
  header.start_unix_ns = from.start_unix_ns;
  header.provenance = from.provenance;
  for (const auto& reader : readers_) {
    header.has_sites = header.has_sites || reader->header().has_sites;
    header.has_touched = header.has_touched || reader->header().has_touched;
  }
  return header;
}

RewriteProgress RewriteJob::progress() {
  return [this] { bar_->update(); };
}

int RewriteJob::finish(const RewriteCounts& counts, const Json& step,
                       std::optional<Json> provenance, std::uint64_t further_lost_events) {
  bar_.reset();
  std::uint64_t lost = further_lost_events;
  // Before the sites are looked for: a reader that goes on to the end forgets where it had to stop.
  for (const auto& reader : readers_) {
    lost += reader->header().lost_events + missing_events(*reader, wanted_);
    truncations_.push_back(reader->truncation());
  }
  if (writer_->has_sites()) writer_->set_sites(all_sites());
  std::vector<std::string> said;
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    if (truncations_[i].empty()) truncations_[i] = readers_[i]->truncation();
    if (!truncations_[i].empty()) said.push_back(truncations_[i]);
  }
  Json note = step;
  if (!said.empty() && !note.contains("truncation")) {
    note["truncation"] = fmt::format("{}", fmt::join(said, "; "));
  }
  Json result = provenance ? *provenance : readers_.front()->header().provenance;
  add_to_history(note, &result);
  writer_->finish(lost, result);
  for (const std::string& truncation : said) {
    fmt::print(stderr, "allocreplay: {}\n", truncation);
  }
  if (options_.json || !options_.quiet) print_report(counts, step);
  return static_cast<int>(ExitCode::kOk);
}

void RewriteJob::print_report(const RewriteCounts& counts, const Json& step) const {
  if (!options_.json) {
    fmt::print(stderr, "allocreplay: {}: {} of {} events", options_.output,
               counts.written - counts.births_put_in, counts.read);
    if (counts.births_put_in != 0) {
      fmt::print(stderr, ", and {} births of what lived before", counts.births_put_in);
    }
    fmt::print(stderr, "; left out: {} births, {} reallocs, {} frees\n", counts.births_left_out,
               counts.reallocs_left_out, counts.frees_left_out);
    return;
  }
  Json inputs = Json::array();
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    inputs.push_back({{"path", readers_[i]->path()}, {"truncation", or_null(truncations_[i])}});
  }
  const Json report = {{"schema", "allocreplay-rewrite"},
                       {"schema_version", "1.0"},
                       {"step", step},
                       {"inputs", inputs},
                       {"output", options_.output},
                       {"bytes", writer_->bytes()},
                       {"events_read", counts.read},
                       {"events_written", counts.written},
                       {"births_put_in", counts.births_put_in},
                       {"births_left_out", counts.births_left_out},
                       {"reallocs_left_out", counts.reallocs_left_out},
                       {"frees_left_out", counts.frees_left_out}};
  print_json(options_.output == "-" ? stderr : stdout, report);
}

}  // namespace replay::cli
