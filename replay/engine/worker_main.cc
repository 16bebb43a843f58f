// allocreplay-worker: one repetition of one pass with one allocator, in a process of its own.
//
// Started by allocreplay (engine/launcher.cc) with two memory files: the plan, and the run
// (run_layout.h), which holds the request and takes the results. Links no C++ library and does not
// allocate, so that the malloc it measures has served nobody before the first event.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "core/alloc/registry.h"
#include "replay/engine/clock_source.h"
#include "replay/engine/counted_calls.h"
#include "replay/engine/counters_worker.h"
#include "replay/engine/latency_probe.h"
#include "replay/engine/malloc_library.h"
#include "replay/engine/memory_calls.h"
#include "replay/engine/memory_worker.h"
#include "replay/engine/perf_counters.h"
#include "replay/engine/process_memory.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/stage.h"
#include "replay/engine/staged_pace.h"
#include "replay/engine/still_clock.h"
#include "replay/engine/timer.h"
#include "replay/engine/timer_quality.h"

namespace replay {
namespace {

void* map_file(int fd, std::size_t bytes, int protection, int populate = MAP_POPULATE) {
  void* p = ::mmap(nullptr, bytes, protection, MAP_SHARED | populate, fd, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Touches the stack that the measured part will use, lest its pages count as the allocator's.
[[gnu::noinline]] void touch_stack() {
  volatile char stack[64 * 1024];
  for (std::size_t i = 0; i < sizeof(stack); i += kTouchPage) stack[i] = 0;
}

// For each thread the C library asks the process's malloc for a few bytes. Where another allocator
// is measured, that malloc gets its heap now, lest it count as the other's.
void make_heap_of_bystander(const RunHeader& run) {
  if (std::strcmp(run.allocator, "glibc") == 0) return;
  void* volatile p = ::malloc(1);
  ::free(p);
}

struct ThroughputPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = false;
  std::uint64_t start_ns = 0;  // later by what does not count since
  rusage before{};             // likewise
  std::uint64_t still_ns = 0;
  rusage still{};

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t i) {
    if (i != 0) return;
    ::getrusage(RUSAGE_SELF, &before);
    start_ns = monotonic_ns();
  }
  void stand_still() {
    still_ns = monotonic_ns();
    ::getrusage(RUSAGE_SELF, &still);
  }
  void go_on() {
    rusage now;
    ::getrusage(RUSAGE_SELF, &now);
    before.ru_minflt += now.ru_minflt - still.ru_minflt;
    before.ru_majflt += now.ru_majflt - still.ru_majflt;
    start_ns += monotonic_ns() - still_ns;
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

template <class Timer>
struct LatencyPass {
  using Probe = LatencyProbe<Timer>;
  static constexpr bool kStopsAtPauses = false;
  const Stage& stage;
  PageSet pages{};

  explicit LatencyPass(const Stage& on) : stage(on) {
    // Of an allocator behind whose blocks no memory stands, nothing is touched.
    stage.details[0].first_touch_known = stage.allocator.table().backed && pages.prepare();
  }
  Probe probe(std::size_t lane, std::uint64_t event) {
    return Probe(stage.histograms_of(lane, LatencyKind::kService), stage.details[lane], pages,
                 event);
  }
  void at_pause(std::uint64_t) {}
};

template <class Timer>
struct ExplainPass {
  using Probe = ExplainProbe<Timer>;
  static constexpr bool kStopsAtPauses = false;
  const Stage& stage;

  Probe probe(std::size_t lane, std::uint64_t event) const {
    ExplainedCall* begin = stage.explained;
    ExplainedCall* const all = begin + stage.run->explained_count;
    while (begin != all && begin->lane < lane) ++begin;
    ExplainedCall* end = begin;
    while (end != all && end->lane == lane) ++end;
    return Probe(begin, end, stage.run->memory_calls, event);
  }
  void at_pause(std::uint64_t) {}
};

// Sets the still clock to a checkpoint's time, by the words of the first lane.
struct ClockHand {
  const Stage& stage;
  AdvanceStillClock advance =
      reinterpret_cast<AdvanceStillClock>(::dlsym(RTLD_DEFAULT, kStillClockFunction));

  void operator()(std::uint64_t checkpoint) const {
    const std::uint64_t words = stage.pauses[checkpoint * stage.run->lane_count];
    if (advance != nullptr) advance(words * kStillClockNsPerWord);
  }
};

struct KernelWorkPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = true;
  const Stage& stage;
  const ClockHand& clock;
  rusage before{};

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t i) {
    clock(i);
    stage.samples[i] = sample_memory();
    if (i != 0) return;
    std::memset(stage.run->memory_calls, 0, sizeof(stage.run->memory_calls));
    ::getrusage(RUSAGE_SELF, &before);
  }
};

template <class Timer>
struct PacedLatencyPass : PacedPass<Timer> {
  using Probe = PacedTimerProbe<Timer, LatencyProbe<Timer>>;
  static constexpr bool kStopsAtPauses = false;
  LatencyPass<Timer> at_once;

  Probe probe(std::size_t lane, std::uint64_t event) {
    return {pace_of<Timer>(at_once.stage, this->clock, lane, event),
            at_once.stage.histograms_of(lane, LatencyKind::kResponse), at_once.probe(lane, event)};
  }
  void at_pause(std::uint64_t i) {
    if (i == 0) this->clock.begin_after(Timer::stop());
  }
};

// Not inlined, so that the loop is compiled the same whatever else this file has.
template <class Timer>
[[gnu::noinline]] bool run_latency(const Stage& stage, auto pass) {
  const TickRate<Timer> rate;
  const TimerQuality quality = measure_timer<Timer>();
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  replay.run();
  const double ns_per_tick = rate.ns_per_tick();
  stage.run->ns_per_tick = ns_per_tick;
  stage.run->timer_cost_ns = quality.window_ticks * ns_per_tick;
  stage.run->timer_resolution_ns = quality.step_ticks * ns_per_tick;
  return true;
}

template <class Timer>
bool run_explain(const Stage& stage) {
  const TickRate<Timer> rate;
  ExplainPass<Timer> pass{stage};
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  stage.run->memory_calls_counted = count_memory_calls(stage.run->memory_calls);
  replay.run();
  stage.run->ns_per_tick = rate.ns_per_tick();
  return true;
}

bool run_kernel_work(const Stage& stage) {
  const ClockHand clock{stage};
  clock(0);
  KernelWorkPass pass{stage, clock};
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  stage.run->memory_calls_counted = count_memory_calls(stage.run->memory_calls);
  stage.run->baseline = sample_memory();
  replay.run();
  rusage after;
  ::getrusage(RUSAGE_SELF, &after);
  stage.run->minor_faults = static_cast<std::uint64_t>(after.ru_minflt - pass.before.ru_minflt);
  stage.run->major_faults = static_cast<std::uint64_t>(after.ru_majflt - pass.before.ru_majflt);
  return true;
}

// By one thread, for it is the calls that count and not their order in time; without touching
// objects, which would be the replay's instructions and not the allocator's.
bool run_instructions(const Stage& stage) {
  if (stage.run->lane_count != 1) return false;
  const ClockHand clock{stage};
  CountedResizes resizing(stage.allocator);
  CountedCalls plain(stage.allocator);
  const bool resizes = stage.allocator.table().reallocate != nullptr;
  const mem::AnyAllocator allocator =
      resizes ? mem::AnyAllocator(resizing) : mem::AnyAllocator(plain);
  LaneRun& lane = stage.lanes[0];
  const auto run_until = [&](std::uint64_t checkpoint) {
    NoProbe probe;
    const std::uint64_t to = stage.pauses[checkpoint] & ~kNobody;
    lane.failed_allocations +=
        run_plan<Touch::kNone>(allocator, stage.plan + lane.first_word + lane.words_done,
                               stage.plan + lane.first_word + to, stage.slots, probe);
    lane.words_done = to;
    clock(checkpoint);
  };
  clock(0);
  run_until(0);
  auto part = [&] {
    for (std::uint64_t i = 1; i < stage.run->pause_count; ++i) run_until(i);
  };
  using Part = decltype(part);
  constexpr auto kWhich = Counter::kInstructions;
  const PerfCounters counters(stage.run->count_by_perf ? counter_bit(kWhich) : 0);
  counters.start();
  run_counted([](void* context) { (*static_cast<Part*>(context))(); }, &part);
  counters.stop();
  stage.run->counters[static_cast<int>(kWhich)] = counters.read(kWhich);
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
      return run_latency<Timer>(
          stage, PacedLatencyPass<Timer>{{pace_clock<Timer>(stage)}, LatencyPass<Timer>{stage}});
    case Pass::kMemory:
    case Pass::kTrimmed:
    case Pass::kSnapshot:
    case Pass::kSoak:
      return run_memory_pass(stage);
    case Pass::kInstructions:
      return run_instructions(stage);
    case Pass::kCounters:
      return run_counters(stage);
    case Pass::kCallCounters:
      return run_call_counters(stage);
    case Pass::kExplain:
      return run_explain<Timer>(stage);
    case Pass::kKernelWork:
      return run_kernel_work(stage);
  }
  return false;
}

bool run_pass(const Stage& stage) {
#if defined(__x86_64__)
  if (tsc_is_invariant() && kernel_trusts_tsc()) {
    stage.run->timer_is_tsc = true;
    return run_pass<TscTimer>(stage);
  }
#endif
  return run_pass<ClockTimer>(stage);
}

void name_malloc_object(RunHeader* run) {
  const char* file = malloc_library();
  if (file != nullptr) ::strncpy(run->malloc_object, file, sizeof(run->malloc_object) - 1);
}

int start(int plan_fd, int run_fd) {
  auto* peek = static_cast<RunHeader*>(map_file(run_fd, sizeof(RunHeader), PROT_READ | PROT_WRITE));
  if (peek == nullptr) return 1;
  const std::size_t run_bytes = run_total_bytes(*peek);
  const int populate = peek->streamed ? 0 : MAP_POPULATE;
  ::munmap(peek, sizeof(RunHeader));
  auto* base = static_cast<char*>(map_file(run_fd, run_bytes, PROT_READ | PROT_WRITE, populate));
  if (base == nullptr) return 1;
  auto* run = reinterpret_cast<RunHeader*>(base);
  if (run->streamed) {
    map_pages(base, base + run_slots_offset(*run) + run->slots_ready * sizeof(void*));
  }
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
  run->addresses_fixed = (::personality(0xffffffffU) & ADDR_NO_RANDOMIZE) != 0;
  const Stage stage = Stage::of(base, static_cast<const PlanWord*>(plan), entry->instance());
  touch_stack();
  make_heap_of_bystander(*run);
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
