// What the commands that make a trace of a trace have in common: their options, the two ends, the
// progress bar, the note in the provenance and the report.
#pragma once

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "replay/cli/read_progress.h"
#include "replay/trace/reader.h"
#include "replay/trace/tools/rewrite.h"
#include "replay/trace/writer.h"

namespace replay::cli {

struct RewriteOptions {
  std::vector<std::string> inputs;
  std::string output;
  bool json = false;
  bool quiet = false;
  bool allow_truncated = false;
};

// -o, --json, --quiet, and --allow-truncated if `may_truncate`.
void add_rewrite_options(CLI::App* app, RewriteOptions* options, bool may_truncate = true);
// The same, and the one trace to read.
void add_single_input(CLI::App* app, RewriteOptions* options);

// What a truncated trace lacks of its first `wanted` events, as far as it says how many it had.
std::uint64_t missing_events(const TraceReader& reader,
                             std::uint64_t wanted = std::numeric_limits<std::uint64_t>::max());
// What was done, as {"command": ...}, and by which version, joins the list "history".
void add_to_history(nlohmann::ordered_json step, nlohmann::ordered_json* provenance);

class RewriteJob {
 public:
  // Opens the inputs, of which at most one is "-".
  explicit RewriteJob(const RewriteOptions& options);

  TraceReader& reader(std::size_t input = 0) { return *readers_[input]; }
  std::size_t inputs() const { return readers_.size(); }

  // Makes the output. `header` is what it begins with; see derived_header().
  TraceWriter& open(const TraceHeader& header);
  // Units, start and provenance of the first input; call sites and touched pages if any has them.
  TraceHeader derived_header() const;
  RewriteProgress progress();

  // Of several inputs: what is added to the numbers of each one's call sites, so that finish() can
  // put their tables together. Before anything is read.
  std::vector<std::uint32_t> place_sites();
  // The call sites of an input, which is read to its end for them.
  static const SiteTable& sites_of(TraceReader& reader);

  // Only the events before this one are wanted of each input: what is missing behind is not lost.
  void set_wanted(std::uint64_t events) { wanted_ = events; }

  // Ends the output and prints the report. `step` says what was done, as {"command": ...}: it joins
  // the list "history" of `provenance`, which is the input's if not given, with the "truncation" of
  // the inputs unless it has one. What they are missing counts as lost. Returns the exit code.
  int finish(const RewriteCounts& counts, const nlohmann::ordered_json& step,
             std::optional<nlohmann::ordered_json> provenance = std::nullopt,
             std::uint64_t further_lost_events = 0);

 private:
  SiteTable all_sites();
  void print_report(const RewriteCounts& counts, const nlohmann::ordered_json& step) const;

  RewriteOptions options_;
  std::vector<std::unique_ptr<TraceReader>> readers_;
  std::unique_ptr<TraceWriter> writer_;
  std::optional<ReadProgress> bar_;
  std::vector<std::size_t> site_order_;  // of the inputs, as their sites are numbered
  std::uint32_t stacks_before_ = 0;
  std::uint64_t wanted_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::string> truncations_;  // of the inputs, in finish(); "" for what was whole
};

}  // namespace replay::cli
