// allocreplay-worker: one repetition of one pass with one allocator, in a process of its own.
//
// Started by allocreplay (engine/launcher.cc) with two memory files: the plan, and the run
// (run_layout.h), which holds the request and takes the results. Links no C++ library and does not
// allocate, so that the malloc it measures has served nobody before the first event.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "core/alloc/registry.h"
#include "replay/engine/memory_calls.h"
#include "replay/engine/pace.h"
#include "replay/engine/process_memory.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/stage.h"
#include "replay/engine/timer.h"

namespace replay {
namespace {

void* map_file(int fd, std::size_t bytes, int protection) {
  void* p = ::mmap(nullptr, bytes, protection, MAP_SHARED | MAP_POPULATE, fd, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Touches the stack that the measured part will use, lest its pages count as the allocator's.
[[gnu::noinline]] void touch_stack() {
  volatile char stack[64 * 1024];
  for (std::size_t i = 0; i < sizeof(stack); i += kTouchPage) stack[i] = 0;
}

struct ThroughputPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = false;
  std::uint64_t start_ns = 0;
  rusage before{};

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t i) {
    if (i != 0) return;
    ::getrusage(RUSAGE_SELF, &before);
    start_ns = monotonic_ns();
  }
};

bool run_throughput(const Stage& stage) {
  ThroughputPass pass;
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  replay.run();
  rusage after;
  ::getrusage(RUSAGE_SELF, &after);
  std::uint64_t end_ns = 0;
  for (std::uint64_t i = 0; i < stage.run->lane_count; ++i) {
    if (stage.lanes[i].end_ns > end_ns) end_ns = stage.lanes[i].end_ns;
  }
  stage.run->elapsed_ns = end_ns - pass.start_ns;
  stage.run->minor_faults = static_cast<std::uint64_t>(after.ru_minflt - pass.before.ru_minflt);
  stage.run->major_faults = static_cast<std::uint64_t>(after.ru_majflt - pass.before.ru_majflt);
  return true;
}

// How long a tick is: between the construction and measure(), which waits until that is far enough
// apart.
template <class Timer>
class TickRate {
 public:
  double measure() const {
    constexpr std::uint64_t kLeastNs = 20'000'000;  // keeps the error below 1 in 10^5
    while (monotonic_ns() - start_ns_ < kLeastNs) {
    }
    const std::uint64_t stop_ns = monotonic_ns();
    const std::uint64_t stop_ticks = Timer::stop();
    return static_cast<double>(stop_ns - start_ns_) /
           static_cast<double>(stop_ticks - start_ticks_);
  }

 private:
  std::uint64_t start_ns_ = monotonic_ns();
  std::uint64_t start_ticks_ = Timer::stop();
};

// The median cost of an empty window, in ticks.
template <class Timer>
std::uint64_t empty_window_ticks() {
  static TickHistogram histogram;
  constexpr unsigned kWindows = 10001;
  for (unsigned i = 0; i < kWindows; ++i) {
    const std::uint64_t start = Timer::start();
    histogram.record(Timer::stop() - start);
  }
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < TickHistogram::kBuckets; ++i) {
    seen += histogram.buckets[i];
    if (seen > kWindows / 2) return TickHistogram::lower_bound(i);
  }
  return 0;
}

template <class Timer>
struct LatencyPass {
  using Probe = TimerProbe<Timer>;
  static constexpr bool kStopsAtPauses = false;
  const Stage& stage;

  Probe probe(std::size_t lane, std::uint64_t) const {
    return {stage.histograms_of(lane, LatencyKind::kService)};
  }
  void at_pause(std::uint64_t) {}
};

// The times of a lane's events from `event` on.
template <class Timer>
Pace<Timer> pace_of(const Stage& stage, const PaceClock& clock, std::size_t lane,
                    std::uint64_t event) {
  return {clock, stage.plan + stage.lanes[lane].first_due + event};
}

template <class Timer>
struct PacedLatencyPass {
  using Probe = PacedTimerProbe<Timer>;
  static constexpr bool kStopsAtPauses = false;
  const Stage& stage;
  PaceClock clock;

  Probe probe(std::size_t lane, std::uint64_t event) const {
    return {pace_of<Timer>(stage, clock, lane, event),
            stage.histograms_of(lane, LatencyKind::kService),
            stage.histograms_of(lane, LatencyKind::kResponse)};
  }
  void at_pause(std::uint64_t i) {
    if (i == 0) clock.start_ticks = Timer::stop();
  }
};

struct MemoryPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = true;
  const Stage& stage;

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t i) { start_or_sample(stage, i); }

  static void start_or_sample(const Stage& stage, std::uint64_t i) {
    if (i == 0) std::memset(stage.run->memory_calls, 0, sizeof(stage.run->memory_calls));
    stage.samples[i] = sample_memory();
  }
};

template <class Timer>
struct PacedMemoryPass {
  using Probe = PacedNoProbe<Timer>;
  static constexpr bool kStopsAtPauses = true;
  const Stage& stage;
  PaceClock clock;

  Probe probe(std::size_t lane, std::uint64_t event) const {
    return {pace_of<Timer>(stage, clock, lane, event)};
  }
  void at_pause(std::uint64_t i) {
    MemoryPass::start_or_sample(stage, i);
    if (i == 0) clock.start_ticks = Timer::stop();
  }
};

template <class Timer>
PaceClock pace_clock(const Stage& stage) {
  const double ns_per_tick = TickRate<Timer>().measure();
  return {0, stage.run->pace / ns_per_tick, ns_per_tick};
}

template <class Timer>
bool run_latency(const Stage& stage, auto pass) {
  const TickRate<Timer> rate;
  const std::uint64_t empty_ticks = empty_window_ticks<Timer>();
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  replay.run();
  stage.run->ns_per_tick = rate.measure();
  stage.run->timer_cost_ns = static_cast<double>(empty_ticks) * stage.run->ns_per_tick;
  return true;
}

bool run_memory(const Stage& stage, auto pass) {
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  stage.run->memory_calls_counted = count_memory_calls(stage.run->memory_calls);
  stage.run->baseline = sample_memory();
  reset_high_water();
  const std::uint64_t before = high_water_bytes();
  replay.run();
  const std::uint64_t high_water = high_water_bytes();
  stage.run->high_water_bytes = high_water > before ? high_water - before : 0;
  return true;
}

template <class Timer>
bool run_pass(const Stage& stage) {
  const bool paced = stage.run->pace > 0;
  switch (stage.run->pass) {
    case Pass::kThroughput:
      return run_throughput(stage);
    case Pass::kLatency:
      if (!paced) return run_latency<Timer>(stage, LatencyPass<Timer>{stage});
      return run_latency<Timer>(stage, PacedLatencyPass<Timer>{stage, pace_clock<Timer>(stage)});
    case Pass::kMemory:
      if (!paced) return run_memory(stage, MemoryPass{stage});
      return run_memory(stage, PacedMemoryPass<Timer>{stage, pace_clock<Timer>(stage)});
  }
  return false;
}

bool run_pass(const Stage& stage) {
#if defined(__x86_64__)
  if (tsc_is_invariant()) {
    stage.run->timer_is_tsc = true;
    return run_pass<TscTimer>(stage);
  }
#endif
  return run_pass<ClockTimer>(stage);
}

void name_malloc_object(RunHeader* run) {
  Dl_info info;
  void* address = ::dlsym(RTLD_DEFAULT, "malloc");
  if (address != nullptr && ::dladdr(address, &info) != 0 && info.dli_fname != nullptr) {
    ::strncpy(run->malloc_object, info.dli_fname, sizeof(run->malloc_object) - 1);
  }
}

int start(int plan_fd, int run_fd) {
  auto* peek = static_cast<RunHeader*>(map_file(run_fd, sizeof(RunHeader), PROT_READ | PROT_WRITE));
  if (peek == nullptr) return 1;
  const std::size_t run_bytes = run_total_bytes(*peek);
  ::munmap(peek, sizeof(RunHeader));
  auto* base = static_cast<char*>(map_file(run_fd, run_bytes, PROT_READ | PROT_WRITE));
  if (base == nullptr) return 1;
  auto* run = reinterpret_cast<RunHeader*>(base);
  run->status = WorkerStatus::kRunning;
  const void* plan = map_file(plan_fd, run->word_count * sizeof(PlanWord), PROT_READ);
  if (plan == nullptr) {
    run->status = WorkerStatus::kCannotMap;
    return 1;
  }
  const mem::AllocatorEntry* entry = mem::find_allocator(run->allocator);
  if (entry == nullptr) {
    run->status = WorkerStatus::kUnknownAllocator;
    return 1;
  }
  name_malloc_object(run);
  const mem::AnyAllocator allocator = entry->instance();
  const Stage stage{run,
                    reinterpret_cast<LaneRun*>(base + run_lanes_offset()),
                    static_cast<const PlanWord*>(plan),
                    reinterpret_cast<void**>(base + run_slots_offset(*run)),
                    reinterpret_cast<const std::uint64_t*>(base + run_pauses_offset(*run)),
                    reinterpret_cast<MemorySample*>(base + run_samples_offset(*run)),
                    reinterpret_cast<TickHistogram*>(base + run_histograms_offset(*run)),
                    allocator,
                    allocator.table().backed ? run->touch : Touch::kNone};
  touch_stack();
  if (!run_pass(stage)) {
    run->status = WorkerStatus::kCannotMap;
    return 1;
  }
  run->status = WorkerStatus::kDone;
  return 0;
}

}  // namespace
}  // namespace replay

int main(int argc, char** argv) {
  if (argc != 3) {
    constexpr char kHint[] =
        "allocreplay-worker is started by allocreplay; see allocreplay --help\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kHint, sizeof(kHint) - 1);
    return 2;
  }
  // Exit handlers and destructors of libraries are no part of a replay.
  ::_exit(replay::start(::atoi(argv[1]), ::atoi(argv[2])));
}
