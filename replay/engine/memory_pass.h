// The memory pass: at every checkpoint all threads stand still, and what the kernel and the account
// of live objects say of the process's memory is written down.
//
// For the worker: no C++ library, no allocation.
#pragma once

#include <unistd.h>

#include <cstring>

#include "replay/engine/live_objects.h"
#include "replay/engine/malloc_library.h"
#include "replay/engine/memory_calls.h"
#include "replay/engine/process_memory.h"
#include "replay/engine/stage.h"
#include "replay/engine/staged_pace.h"

namespace replay {

// Else it is an allocator linked into the worker.
inline bool is_process_malloc(const RunHeader& run) {
  return std::strcmp(run.allocator, "glibc") == 0;
}

// Keeps the account of live objects and takes the samples.
class MemoryRecorder {
 public:
  explicit MemoryRecorder(const Stage& stage)
      : stage_(stage),
        objects_(stage.run->page_cell_count > 0 ? stage.objects : nullptr,
                 PageCounts(stage.page_cells, stage.run->page_cell_count,
                            static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
                 stage.allocator, tells_usable_sizes(stage)) {}

  // For the thread that goes on with that event of the lane, warm-up included.
  LiveProbe probe(std::uint64_t event) { return {objects_, event}; }

  void at_pause(std::uint64_t i) {
    if (i == 0) {  // the warm-up is no part of what is measured
      std::memset(stage_.run->memory_calls, 0, sizeof(stage_.run->memory_calls));
      reset_high_water();
    }
    stage_.samples[i] = sample();
  }

  MemorySample sample() const {
    MemorySample sample = sample_memory();
    sample.usable_bytes = objects_.usable_bytes();
    sample.occupied_pages = objects_.pages().pages();
    return sample;
  }

  // Which parts of the samples mean something; after the last of them.
  void say_what_is_known() const {
    const bool all_touched = stage_.touch == Touch::kPage || stage_.touch == Touch::kAll;
    if (!objects_.kept()) return;
    stage_.run->usable_known = objects_.tells_usable();
    stage_.run->occupied_known =
        !objects_.pages().overflowed() && (all_touched || !stage_.allocator.table().backed);
  }

 private:
  static bool tells_usable_sizes(const Stage& stage) {
    if (stage.allocator.table().usable_size == nullptr) return false;
    return !is_process_malloc(*stage.run) || beside_malloc("malloc_usable_size") != nullptr;
  }

  const Stage& stage_;
  LiveObjects objects_;
};

struct MemoryPass {
  using Probe = LiveProbe;
  static constexpr bool kStopsAtPauses = true;
  const Stage& stage;
  MemoryRecorder& recorder;

  Probe warm_up(std::size_t, std::uint64_t event) const { return recorder.probe(event); }
  Probe probe(std::size_t lane, std::uint64_t event) const {
    return recorder.probe(stage.lanes[lane].warmup_events + event);
  }
  void at_pause(std::uint64_t i) const { recorder.at_pause(i); }
};

template <class Timer>
struct PacedMemoryPass : PacedPass<Timer> {
  using Probe = PacedProbe<Timer, LiveProbe>;
  static constexpr bool kStopsAtPauses = true;
  MemoryPass at_once;

  LiveProbe warm_up(std::size_t lane, std::uint64_t event) const {
    return at_once.warm_up(lane, event);
  }
  Probe probe(std::size_t lane, std::uint64_t event) const {
    return {at_once.probe(lane, event), pace_of<Timer>(at_once.stage, this->clock, lane, event)};
  }
  void at_pause(std::uint64_t i) {
    at_once.at_pause(i);
    if (i == 0) this->clock.begin_after(Timer::stop());
  }
};

// Replays with the pass, whose recorder that is. Returns false if there is no memory for it.
bool run_memory(const Stage& stage, MemoryRecorder& recorder, auto pass) {
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  stage.run->memory_calls_counted = count_memory_calls(stage.run->memory_calls);
  stage.run->baseline = sample_memory();
  reset_high_water();
  const std::uint64_t before = high_water_bytes();
  replay.run();
  const std::uint64_t high_water = high_water_bytes();
  stage.run->high_water_bytes = high_water > before ? high_water - before : 0;
  recorder.say_what_is_known();
  return true;
}

template <class Timer>
bool run_memory(const Stage& stage) {
  MemoryRecorder recorder(stage);
  const MemoryPass pass{stage, recorder};
  if (stage.run->pace <= 0) return run_memory(stage, recorder, pass);
  return run_memory(stage, recorder, PacedMemoryPass<Timer>{{pace_clock<Timer>(stage)}, pass});
}

}  // namespace replay
