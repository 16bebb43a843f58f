#include "replay/cli/cost_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "replay/cli/range.h"
#include "replay/metrics/metric.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

// The largest spread of an exact figure over the repetitions, as a share of its median.
double spread(const Metric& metric) {
  const auto [low, high] = std::minmax_element(metric.samples.begin(), metric.samples.end());
  return *high == 0 ? 0 : (*high - *low) / *high;
}

}  // namespace

void add_cost_options(CLI::App& app, CostOptions& options) {
  CLI::Option* cost =
      app.add_option("--cost", options.what,
                     "Instead of times, count what is the same in every run: instructions a call, "
                     "page faults, system calls");
  cost->type_name("instructions")->check(CLI::IsMember({"instructions"}).description(""));
  app.add_option("--cost-by", options.counted_by,
                 "What counts: perf (hardware counters), callgrind (valgrind; many times "
                 "slower), or auto: perf where it works; the two do not compare")
      ->needs(cost)
      ->type_name("auto|perf|callgrind")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "perf", "callgrind"}).description(""));
  app.add_option("--cost-events", options.events,
                 "Count at most so many events, from the first of --events on")
      ->needs(cost)
      ->type_name("N")
      ->capture_default_str();
}

EventRange cost_range(const CostOptions& options, EventRange range) {
  const std::uint64_t most = parse_count(options.events);
  if (most == 0) throw Error("--cost-events 0: there would be nothing to count", ExitCode::kUsage);
  if (range.to - range.from > most) range.to = range.from + most;
  return range;
}

void plan_cost(const CostOptions& options, SessionOptions& session) {
  const char* path = std::getenv("PATH");
  session.source = find_instruction_source(options.counted_by, path == nullptr ? "" : path);
  session.passes = {Pass::kInstructions, Pass::kKernelWork};
}

void note_cost(const SessionOptions& options, const SessionResult& session, Result& result) {
  result.config.counted_by = options.source.name();
  result.config.addresses_fixed = true;
  for (const SubjectRuns& runs : session.subjects) {
    for (const Pass pass : options.passes) {
      for (const RunOutcome& run : runs.runs(pass)) {
        result.config.addresses_fixed = result.config.addresses_fixed && run.addresses_fixed;
      }
    }
  }
  for (const AllocatorResult& allocator : result.allocators) {
    for (const Figure& figure : allocator.figures) {
      if (!figure.metric.exact || spread(figure.metric) < kExactWithin) continue;
      result.context["warnings"].push_back(
          fmt::format("{} of {} is not the same in every run: it differs by {:.2f} %",
                      figure.metric.key, allocator.subject.name, spread(figure.metric) * 100));
    }
  }
}

}  // namespace replay::cli
