// What a worker replays and where, and the way through it: warm-up, then from checkpoint to
// checkpoint, by one thread or by a crew.
//
// For the worker: no C++ library, no allocation.
#pragma once

#include <cstdint>

#include "core/alloc/any_allocator.h"
#include "replay/engine/crew.h"
#include "replay/engine/hot_loop.h"
#include "replay/engine/plan_front.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/run_layout.h"
#include "replay/engine/timer.h"

namespace replay {

// The plan and the parts of the run file (run_layout.h), mapped.
struct Stage {
  RunHeader* run;
  LaneRun* lanes;
  const PlanWord* plan;
  void** slots;
  const std::uint64_t* pauses;
  MemorySample* samples;
  TickHistogram* histograms;
  LatencyDetail* details;    // kLatency: one a lane
  CallCounts* call_counts;   // kCallCounters: one a lane
  ExplainedCall* explained;  // kExplain
  LiveObject* objects;       // one a slot, where they are accounted for
  std::uint64_t* page_cells;
  SoakTurn* turns;     // kSoak
  PageRun* page_runs;  // kSnapshot
  mem::AnyAllocator allocator;
  Touch touch;

  // base: the run file, mapped.
  static Stage of(char* base, const PlanWord* plan, const mem::AnyAllocator& allocator) {
    auto* run = reinterpret_cast<RunHeader*>(base);
    return {run, reinterpret_cast<LaneRun*>(base + run_lanes_offset()), plan,
            reinterpret_cast<void**>(base + run_slots_offset(*run)),
            reinterpret_cast<const std::uint64_t*>(base + run_pauses_offset(*run)),
            reinterpret_cast<MemorySample*>(base + run_samples_offset(*run)),
            reinterpret_cast<TickHistogram*>(base + run_histograms_offset(*run)),
            reinterpret_cast<LatencyDetail*>(base + run_details_offset(*run)),
            reinterpret_cast<CallCounts*>(base + run_call_counts_offset(*run)),
            reinterpret_cast<ExplainedCall*>(base + run_explained_offset(*run)),
            reinterpret_cast<LiveObject*>(base + run_objects_offset(*run)),
            reinterpret_cast<std::uint64_t*>(base + run_page_cells_offset(*run)),
            reinterpret_cast<SoakTurn*>(base + run_turns_offset(*run)),
            reinterpret_cast<PageRun*>(base + run_page_runs_offset(*run)), allocator,
            // A plan for kRecorded has words that the loop for kNone does not know.
            allocator.table().backed || run->touch == Touch::kRecorded ? run->touch : Touch::kNone};
  }

  TickHistogram* histograms_of(std::size_t lane, LatencyKind kind) const {
    return histograms + lane * kHistogramsOfLane + static_cast<std::size_t>(kind) * kOpCount;
  }
};

// How the hot loop of one lane keeps in step with the others.
struct CrewSync {
  static constexpr bool kOn = true;
  Crew& crew;
  LaneRun& lane;
  const PlanWord* plan;

  const PlanWord* step(PlanWord word, const PlanWord* rest) const {
    return rest + crew.step(lane, word, rest);
  }
  void post(const PlanWord* done) const {
    Crew::post(lane, static_cast<std::uint64_t>(done - plan) - lane.first_word);
  }
};

// A Pass has
//   Probe                        of the hot loop (hot_loop.h); each thread has its own
//   kStopsAtPauses               all threads stand still at every checkpoint, not only at the first
//   Probe probe(lane, event)     for the thread that goes on with that measured event of that lane
//   Probe warm_up(lane, event)   if it looks at the warm-up too: for that event of the lane
//   void at_pause(i)             the first thread is at checkpoint i
// and, if it takes account of the whole, for a streamed plan that is out of words
//   void stand_still(), go_on()  what is in between does not count; by the first thread, while all
//                                others stand still
template <class Pass>
class Replay {
 public:
  Replay(const Stage& stage, Pass& pass)
      : stage_(stage),
        pass_(pass),
        crew_(*stage.run, stage.lanes, stage.pauses, thread_body, this) {}

  // Makes ready what the threads need. Returns false if there is no memory for it.
  bool prepare() { return alone() || crew_.prepare(); }

  // The whole plan.
  void run() {
    LaneRun& first = stage_.lanes[0];
    first.thread_end = kAllWords;  // after the last checkpoint
    if (alone()) {
      run_thread(first, NoSync{});
      first.end_ns = monotonic_ns();
      return;
    }
    crew_.resume(first, 0);
    run_thread(first, sync_of(first));
    first.end_ns = crew_.stop(first, first.event_count);
    crew_.join_all();
  }

 private:
  static void thread_body(void* self, LaneRun& lane) {
    auto& replay = *static_cast<Replay*>(self);
    replay.run_thread(lane, replay.sync_of(lane));
  }

  bool alone() const { return stage_.run->lane_count == 1; }
  CrewSync sync_of(LaneRun& lane) { return {crew_, lane, stage_.plan}; }

  // From where the thread begins in its lane to where it ends, and through the checkpoints on the
  // way. The first thread goes through all of them, however few events it has.
  template <class Sync>
  void run_thread(LaneRun& lane, const Sync& sync) {
    const bool first = &lane == stage_.lanes;
    const std::uint64_t pause_count = stage_.run->pause_count;
    std::uint64_t at = lane.thread_begin;
    std::uint64_t next = lane.thread_next_pause;
    if (next == 0) {
      auto warm_up = warm_up_probe(lane);
      at = advance(lane, at, 0, sync, warm_up);
      if (at == lane.thread_end && !first) return;
      pass_pause(lane, next++);
    }
    const std::uint64_t event = lane.thread_first_event;
    auto probe = pass_.probe(static_cast<std::size_t>(&lane - stage_.lanes),
                             event > lane.warmup_events ? event - lane.warmup_events : 0);
    for (; next < pause_count; ++next) {
      at = advance(lane, at, next, sync, probe);
      if (at == lane.thread_end && !first) return;
      pass_pause(lane, next);
    }
  }

  auto warm_up_probe([[maybe_unused]] const LaneRun& lane) {
    if constexpr (requires { pass_.warm_up(std::size_t{}, std::uint64_t{}); }) {
      return pass_.warm_up(static_cast<std::size_t>(&lane - stage_.lanes), lane.thread_first_event);
    } else {
      return NoProbe{};
    }
  }

  // Executes the lane's words from `at` until checkpoint `pause` or the thread's end; returns where
  // that is.
  template <class Sync, class Probe>
  std::uint64_t advance(LaneRun& lane, std::uint64_t at, std::uint64_t pause, const Sync& sync,
                        Probe& probe) {
    const auto number = static_cast<std::size_t>(&lane - stage_.lanes);
    for (;;) {
      std::uint64_t to = stage_.pauses[pause * stage_.run->lane_count + number] & ~kNobody;
      if (to > lane.thread_end) to = lane.thread_end;
      const std::uint64_t end = to < lane.words_ready ? to : lane.words_ready;
      const PlanWord* words = stage_.plan + (lane.first_word + at);
      lane.failed_allocations += run_words(words, words + (end - at), sync, probe);
      lane.words_done = at = end;
      if (at == to) return to;
      if (&lane == stage_.lanes) {
        fetch();
      } else {
        crew_.stay_for_words(lane);
      }
    }
  }

  void fetch() {
    const std::uint64_t event = stage_.lanes[0].event_count;
    if (!alone()) crew_.gather_for_words();
    if constexpr (requires { pass_.stand_still(); }) pass_.stand_still();
    fetch_words(*stage_.run, stage_.slots);
    if constexpr (requires { pass_.go_on(); }) pass_.go_on();
    if (!alone()) crew_.go_on_with_words(event);
  }

  template <class Sync, class Probe>
  std::uint64_t run_words(const PlanWord* begin, const PlanWord* end, const Sync& sync,
                          Probe& probe) {
    const mem::AnyAllocator& allocator = stage_.allocator;
    switch (stage_.touch) {
      case Touch::kNone:
        return run_plan<Touch::kNone>(allocator, begin, end, stage_.slots, probe, sync);
      case Touch::kPage:
        return run_plan<Touch::kPage>(allocator, begin, end, stage_.slots, probe, sync);
      case Touch::kAll:
        return run_plan<Touch::kAll>(allocator, begin, end, stage_.slots, probe, sync);
      case Touch::kRecorded:
        return run_plan<Touch::kRecorded>(allocator, begin, end, stage_.slots, probe, sync);
    }
    return 0;
  }

  void pass_pause(LaneRun& lane, std::uint64_t i) {
    const bool all_stop = !alone() && (i == 0 || Pass::kStopsAtPauses);
    if (&lane != stage_.lanes) {
      if (all_stop) crew_.stay_at_pause(lane, i);
      return;
    }
    crew_.set_next_pause(i + 1);
    if (all_stop) crew_.gather_at_pause(i);
    pass_.at_pause(i);
    if (all_stop) crew_.let_go(i);
  }

  const Stage& stage_;
  Pass& pass_;
  Crew crew_;
};

}  // namespace replay
