#include "replay/cli/memory_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "replay/cli/range.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

constexpr const char* kPeak = "peak";
constexpr const char* kEnd = "end";
constexpr std::uint64_t kMostTurns = 4000;  // the drift test takes the square of it
constexpr std::uint32_t kMostIdleMs = 3'600'000;

}  // namespace

void add_memory_options(CLI::App& app, MemoryOptions& options) {
  app.add_option("--idle", options.idle_ms,
                 "After the last event idle, and say what is resident at these times after it, "
                 "without and with malloc_trim")
      ->type_name("MS[,MS...]")
      ->delimiter(',')
      ->check(CLI::Range(0U, kMostIdleMs).description(""));
  app.add_option(
         "--loop", options.loop,
         "Replay the measured events N times over, by one thread, in runs of their own, and "
         "say whether resident memory or CPU time grows (20 turns tell at the least)")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, kMostTurns).description(""));
  app.add_option("--heap-map", options.heap_maps,
                 "Map the heap when most bytes are live, at the end, or after so many events: live "
                 "bytes of every page, and what pins sparse ones; may be given several times "
                 "(one thread)")
      ->type_name("EVENT|peak|end");
}

std::vector<std::uint64_t> MemoryOptions::stops() const {
  std::vector<std::uint64_t> events;
  for (const std::string& moment : heap_maps) {
    if (moment != kPeak && moment != kEnd) events.push_back(parse_count(moment));
  }
  std::sort(events.begin(), events.end());
  return events;
}

std::size_t MemoryOptions::checkpoint_of(const std::string& moment, const Plan& plan) {
  if (moment == kPeak) return plan.peak_live;
  if (moment == kEnd) return plan.checkpoints.size() - 1;
  const std::optional<std::size_t> checkpoint = plan.checkpoint_at(parse_count(moment));
  if (!checkpoint) {
    throw Error(fmt::format("--heap-map {}: the measured events are {} to {}", moment,
                            plan.warmup_events, plan.event_count),
                ExitCode::kUsage);
  }
  return *checkpoint;
}

void check_heap_maps(const MemoryOptions& options, const Plan& plan) {
  if (!options.heap_maps.empty() && plan.lanes.size() > 1) {
    throw Error("--heap-map cannot name the events of several threads' objects; add --threads 1",
                ExitCode::kUsage);
  }
  for (const std::string& moment : options.heap_maps) MemoryOptions::checkpoint_of(moment, plan);
}

void check_memory_threads(const MemoryOptions& options, const std::string& threads) {
  if (options.loop > 0 && threads != "recorded" && threads != "1") {
    throw Error(fmt::format("--loop replays the events of all threads by one and cannot go with "
                            "--threads {}",
                            threads),
                ExitCode::kUsage);
  }
}

void plan_memory(const MemoryOptions& options, SessionOptions& session) {
  if (options.idle_ms.empty()) return;
  session.idle_ms = options.idle_ms;
  std::sort(session.idle_ms.begin(), session.idle_ms.end());
  session.idle_ms.erase(std::unique(session.idle_ms.begin(), session.idle_ms.end()),
                        session.idle_ms.end());
  if (session.idle_ms.size() > kMostIdleTimes) {
    throw Error(fmt::format("--idle names {} times, {} are possible", session.idle_ms.size(),
                            kMostIdleTimes),
                ExitCode::kUsage);
  }
  session.passes.push_back(Pass::kTrimmed);
}

}  // namespace replay::cli
