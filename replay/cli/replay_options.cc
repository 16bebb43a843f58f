#include "replay/cli/replay_options.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include "replay/cli/range.h"
#include "replay/cli/read_progress.h"
#include "replay/engine/plan_feed.h"
#include "replay/engine/recorded_touch.h"
#include "replay/report/result.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

constexpr double kLeastPace = 1e-6;
constexpr double kMostPace = 1e6;

// What the trace says of touched pages, if that is asked for.
std::vector<TouchedPart> touched_parts(const ReplayOptions& options) {
  if (touch_of(options) != Touch::kRecorded) return {};
  TraceReader reader(options.trace, {.allow_truncated = options.allow_truncated});
  ReadProgress progress({&reader}, !options.quiet);
  return read_touched_parts(reader, [&] { progress.update(); });
}

}  // namespace

Touch touch_of(const ReplayOptions& options) {
  for (const Touch touch : {Touch::kNone, Touch::kAll, Touch::kRecorded}) {
    if (options.touch == touch_name(touch)) return touch;
  }
  return Touch::kPage;
}

EventRange range_of(const ReplayOptions& options) {
  return options.events.empty() ? EventRange{} : parse_range(options.events);
}

ThreadChoice threads_of(const ReplayOptions& options) {
  constexpr std::uint32_t kMost = 1024;
  const std::string& text = options.threads;
  if (text == "recorded") return {ThreadChoice::kAsRecorded};
  std::uint32_t workers = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), workers);
  if (error != std::errc() || end != text.data() + text.size() || workers < 1 || workers > kMost) {
    throw Error(
        fmt::format("--threads {}: expected 'recorded' or a number from 1 to {}", text, kMost),
        ExitCode::kUsage);
  }
  return {workers};
}

double pace_of(const ReplayOptions& options) {
  const std::string& text = options.pace;
  if (text == "max") return 0;
  double factor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc() || end != text.data() + text.size() || !(factor >= kLeastPace) ||
      factor > kMostPace) {
    throw Error(fmt::format("--pace {}: expected 'max' or a factor of the recorded times from {} "
                            "to {}, for example 0.5 for twice as fast as recorded",
                            text, kLeastPace, kMostPace),
                ExitCode::kUsage);
  }
  return factor;
}

Plan make_plan(TraceReader& reader, const ReplayOptions& options, EventRange range,
               bool may_be_streamed, std::vector<std::uint64_t> stops) {
  const std::vector<TouchedPart> parts = touched_parts(options);
  const PlanOptions plan_options{.threads = threads_of(options),
                                 .timed = pace_of(options) > 0,
                                 .parts = parts,
                                 .stops = std::move(stops)};
  const std::uint64_t most_bytes = parse_count(options.plan_memory);
  // Where a damaged trace ends is not known before it is read.
  const bool streams = may_be_streamed && !options.allow_truncated &&
                       is_to_be_streamed(reader, range, plan_options, most_bytes);
  Plan plan = streams ? streamed_plan(options.trace, reader, range, plan_options, most_bytes)
                      : compile_plan(reader, range, plan_options);
  if (!plan.truncation.empty()) fmt::print(stderr, "allocreplay: warning: {}\n", plan.truncation);
  return plan;
}

Plan make_closed_plan(const ReplayOptions& options, EventRange range) {
  const std::vector<TouchedPart> parts = touched_parts(options);
  TraceReader reader(options.trace, {.allow_truncated = options.allow_truncated});
  return compile_plan(reader, range, {.parts = parts, .closed = true});
}

void add_replay_options(CLI::App& app, ReplayOptions& options) {
  app.add_option("--touch", options.touch,
                 "What to write of each object: none, one byte a page, all bytes, or one byte of "
                 "as many pages as the recorded program touched (record --residency)")
      ->type_name("none|page|all|recorded")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "page", "all", "recorded"}).description(""));
  app.add_option("-e,--events", options.events,
                 "Measure only these events; those before FROM are replayed unmeasured")
      ->type_name("FROM:TO");
  app.add_option("--threads", options.threads,
                 "Threads that replay: as many as were recorded, each begun and ended where it "
                 "was; one for the events of all, in recorded order; or N that take the recorded "
                 "ones in turn")
      ->type_name("recorded|1|N")
      ->capture_default_str();
  app.add_option("--pace", options.pace,
                 "As fast as can be, or at the recorded times multiplied by F (latency and memory "
                 "passes)")
      ->type_name("max|F")
      ->capture_default_str();
  app.add_option("--plan-memory", options.plan_memory,
                 "A trace whose events need more bytes than this once compiled (8 each, 16 with "
                 "--pace F) is compiled piece by piece, anew for each run, while its worker waits")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_flag("--allow-truncated", options.allow_truncated,
               "Use what is whole of a damaged or unfinished trace");
}

}  // namespace replay::cli
