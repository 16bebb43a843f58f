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
#include "replay/engine/hot_loop.h"
#include "replay/engine/latency_probe.h"
#include "replay/engine/memory_calls.h"
#include "replay/engine/perf_counters.h"
#include "replay/engine/process_memory.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/still_clock.h"
#include "replay/engine/timer.h"
#include "replay/engine/timer_quality.h"

namespace replay {
namespace {

struct Worker {
  RunHeader* run;
  const PlanWord* plan;
  void** slots;
  const std::uint64_t* pauses;
  MemorySample* samples;
  TickHistogram* histograms;
  LatencyDetail* detail;     // kLatency
  ExplainedCall* explained;  // kExplain
  mem::AnyAllocator allocator;
};

void* map_file(int fd, std::size_t bytes, int protection) {
  void* p = ::mmap(nullptr, bytes, protection, MAP_SHARED | MAP_POPULATE, fd, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Touches the stack that the measured part will use, lest its pages count as the allocator's.
[[gnu::noinline]] void touch_stack() {
  volatile char stack[64 * 1024];
  for (std::size_t i = 0; i < sizeof(stack); i += kTouchPage) stack[i] = 0;
}

std::uint64_t run_words(const Worker& w, Touch touch_mode, auto& probe, std::uint64_t begin,
                        std::uint64_t end) {
  const PlanWord* first = w.plan + begin;
  const PlanWord* last = w.plan + end;
  switch (touch_mode) {
    case Touch::kNone:
      return run_plan<Touch::kNone>(w.allocator, first, last, w.slots, probe);
    case Touch::kPage:
      return run_plan<Touch::kPage>(w.allocator, first, last, w.slots, probe);
    case Touch::kAll:
      return run_plan<Touch::kAll>(w.allocator, first, last, w.slots, probe);
    case Touch::kRecorded:
      return run_plan<Touch::kRecorded>(w.allocator, first, last, w.slots, probe);
  }
  return 0;
}

// Runs from the first pause to the last one, calling at_pause(i) at each.
void run_measured(const Worker& w, Touch touch_mode, auto& probe, auto at_pause) {
  at_pause(std::uint64_t{0});
  for (std::uint64_t i = 1; i < w.run->pause_count; ++i) {
    w.run->failed_allocations += run_words(w, touch_mode, probe, w.pauses[i - 1], w.pauses[i]);
    w.run->pauses_done = i;
    at_pause(i);
  }
}

// Runs `part` and notes the page faults that it met.
void with_faults_counted(RunHeader* run, auto part) {
  rusage before;
  rusage after;
  ::getrusage(RUSAGE_SELF, &before);
  part();
  ::getrusage(RUSAGE_SELF, &after);
  run->minor_faults = static_cast<std::uint64_t>(after.ru_minflt - before.ru_minflt);
  run->major_faults = static_cast<std::uint64_t>(after.ru_majflt - before.ru_majflt);
}

void run_throughput(const Worker& w, Touch touch_mode) {
  NoProbe probe;
  with_faults_counted(w.run, [&] {
    const std::uint64_t start = monotonic_ns();
    run_measured(w, touch_mode, probe, [](std::uint64_t) {});
    w.run->elapsed_ns = monotonic_ns() - start;
  });
}

template <class Timer>
void run_latency(const Worker& w, Touch touch_mode) {
  const TickRate<Timer> rate;
  const EmptyWindows empty = measure_empty_windows<Timer>();
  PageSet pages;
  w.detail->first_touch_known = pages.prepare();
  LatencyProbe<Timer> probe(w.histograms, *w.detail, pages, 0);
  run_measured(w, touch_mode, probe, [](std::uint64_t) {});
  w.run->ns_per_tick = rate.ns_per_tick();
  w.run->timer_cost_ns = static_cast<double>(empty.median_ticks) * w.run->ns_per_tick;
  w.run->timer_resolution_ns = static_cast<double>(empty.step_ticks) * w.run->ns_per_tick;
}

template <class Timer>
void run_explain(const Worker& w, Touch touch_mode) {
  const TickRate<Timer> rate;
  ExplainProbe<Timer> probe(w.explained, w.explained + w.run->explained_count, w.run->memory_calls,
                            0);
  run_measured(w, touch_mode, probe, [](std::uint64_t) {});
  w.run->ns_per_tick = rate.ns_per_tick();
}

// part(Timer{}), with the best timer that there is.
void with_timer(RunHeader* run, auto part) {
#if defined(__x86_64__)
  if (tsc_is_invariant() && kernel_trusts_tsc()) {
    run->timer_is_tsc = true;
    return part(TscTimer{});
  }
#endif
  part(ClockTimer{});
}

void run_memory(const Worker& w, Touch touch_mode) {
  NoProbe probe;
  run_measured(w, touch_mode, probe, [&](std::uint64_t i) { w.samples[i] = sample_memory(); });
}

// Sets the still clock, where there is one, to the checkpoint's time.
struct ClockHand {
  const Worker& w;
  AdvanceStillClock advance =
      reinterpret_cast<AdvanceStillClock>(::dlsym(RTLD_DEFAULT, kStillClockFunction));

  void operator()(std::uint64_t checkpoint) const {
    if (advance != nullptr) advance(w.pauses[checkpoint] * kStillClockNsPerWord);
  }
};

// Objects are not touched: that would be the replay's instructions, not the allocator's.
void run_instructions(Worker w) {
  const ClockHand clock{w};
  CountedResizes resizing(w.allocator);
  CountedCalls plain(w.allocator);
  const bool resizes = w.allocator.table().reallocate != nullptr;
  w.allocator = resizes ? mem::AnyAllocator(resizing) : mem::AnyAllocator(plain);
  auto part = [&] {
    NoProbe probe;
    run_measured(w, Touch::kNone, probe, clock);
  };
  using Part = decltype(part);
  const PerfCounters counters(w.run->count_by_perf ? counter_bit(Counter::kInstructions) : 0);
  counters.start();
  run_counted([](void* context) { (*static_cast<Part*>(context))(); }, &part);
  counters.stop();
  constexpr auto kWhich = Counter::kInstructions;
  w.run->counters[static_cast<int>(kWhich)] = counters.read(kWhich);
}

void run_counters(const Worker& w, Touch touch_mode) {
  NoProbe probe;
  const PerfCounters counters(kAllCounters);
  counters.start();
  run_measured(w, touch_mode, probe, [](std::uint64_t) {});
  counters.stop();
  for (int i = 0; i < kCounterCount; ++i) {
    w.run->counters[i] = counters.read(static_cast<Counter>(i));
  }
}

void run_kernel_work(const Worker& w, Touch touch_mode) {
  const ClockHand clock{w};
  NoProbe probe;
  with_faults_counted(w.run, [&] { run_measured(w, touch_mode, probe, clock); });
}

int run_worker(Worker& w) {
  // A plan for kRecorded has words that the loop for kNone does not know.
  const Touch touch_mode =
      w.allocator.table().backed || w.run->touch == Touch::kRecorded ? w.run->touch : Touch::kNone;
  touch_stack();
  std::uint64_t high_water_before = 0;
  if (counts_memory_calls(w.run->pass)) {
    w.run->memory_calls_counted = count_memory_calls(w.run->memory_calls);
  }
  if (w.run->pass == Pass::kMemory) {
    w.run->baseline = sample_memory();
    reset_high_water();
    high_water_before = high_water_bytes();
  }
  if (is_repeatable(w.run->pass)) ClockHand{w}(0);
  NoProbe no_probe;
  w.run->failed_allocations = run_words(w, touch_mode, no_probe, 0, w.pauses[0]);
  std::memset(w.run->memory_calls, 0, sizeof(w.run->memory_calls));
  switch (w.run->pass) {
    case Pass::kThroughput:
      run_throughput(w, touch_mode);
      break;
    case Pass::kLatency:
      with_timer(w.run, [&]<class Timer>(Timer) { run_latency<Timer>(w, touch_mode); });
      break;
    case Pass::kMemory:
      run_memory(w, touch_mode);
      break;
    case Pass::kInstructions:
      run_instructions(w);
      break;
    case Pass::kCounters:
      run_counters(w, touch_mode);
      break;
    case Pass::kExplain:
      with_timer(w.run, [&]<class Timer>(Timer) { run_explain<Timer>(w, touch_mode); });
      break;
    case Pass::kKernelWork:
      run_kernel_work(w, touch_mode);
      break;
  }
  if (w.run->pass == Pass::kMemory) {
    const std::uint64_t high_water = high_water_bytes();
    w.run->high_water_bytes = high_water > high_water_before ? high_water - high_water_before : 0;
  }
  w.run->status = WorkerStatus::kDone;
  return 0;
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
  run->addresses_fixed = (::personality(0xffffffffU) & ADDR_NO_RANDOMIZE) != 0;
  Worker worker{run,
                static_cast<const PlanWord*>(plan),
                reinterpret_cast<void**>(base + run_slots_offset()),
                reinterpret_cast<const std::uint64_t*>(base + run_pauses_offset(*run)),
                reinterpret_cast<MemorySample*>(base + run_samples_offset(*run)),
                reinterpret_cast<TickHistogram*>(base + run_histograms_offset(*run)),
                reinterpret_cast<LatencyDetail*>(base + run_details_offset(*run)),
                reinterpret_cast<ExplainedCall*>(base + run_explained_offset(*run)),
                entry->instance()};
  return run_worker(worker);
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
