// The threads that replay a plan of several lanes: starts and joins them where the plan says so,
// makes them wait for each other, gathers them at checkpoints, and keeps account of it.
//
// Threads run on stacks of a shared mapping, made beforehand, so that neither they nor the C
// library's part of a thread count as the allocator's memory. Of the malloc under test the C
// library still asks for the vector of a thread's TLS modules (272 bytes in glibc 2.36) when a
// thread starts, and gives it back when it is joined, as it does in any program.
//
// For the worker: no C++ library, no allocation. Thread-safety: functions with a LaneRun are called
// by that lane's own thread, the others by the first thread.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>

#include "replay/engine/lane_overlap.h"
#include "replay/engine/lane_progress.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/run_layout.h"

namespace replay {

class Crew {
 public:
  // What a thread executes: of LaneRun the fields thread_*.
  using Body = void (*)(void* context, LaneRun& lane);

  // pre: `run` and the lanes outlive the crew; pauses is as run_layout.h says.
  Crew(RunHeader& run, LaneRun* lanes, const std::uint64_t* pauses, Body body, void* context);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Maps the stacks. Returns false if there is no memory for them.
  bool prepare();

  // Executes the step whose word is `word`, with the words behind it at `rest`; returns how many
  // those are.
  unsigned step(LaneRun& lane, PlanWord word, const PlanWord* rest) {
    return plan_step(word) == Step::kWait ? wait_step(lane, word, rest) : start_step(word, rest);
  }

  // All words of the lane before `words` are done.
  static void post(LaneRun& lane, std::uint64_t words) { publish(lane.reached, words); }

  // The account of a lane's running: from the event with this number on, until before that one.
  // Both return the time.
  std::uint64_t resume(LaneRun& lane, std::uint64_t event);
  std::uint64_t stop(LaneRun& lane, std::uint64_t event);

  // Another thread than the first comes to checkpoint i and stays until the first lets it go.
  void stay_at_pause(LaneRun& lane, std::uint64_t i);

  // The first thread at checkpoint i: returns when all threads that live there have come, and those
  // that ended before are gone. They stay until let_go(i). Accounts begin anew with let_go(0).
  void gather_at_pause(std::uint64_t i);
  void let_go(std::uint64_t i);

  // Another thread than the first has done all words that are ready and stays until there are more.
  void stay_for_words(LaneRun& lane);

  // The first thread likewise: returns when all threads that go on have come, and those that ended
  // before are gone. They stay until go_on_with_words().
  void gather_for_words();
  // event: of the first lane, before the new words came.
  void go_on_with_words(std::uint64_t event);

  // The first thread comes to no checkpoint before i any more.
  void set_next_pause(std::uint64_t i) { next_pause_ = i; }

  // Until every thread is gone.
  void join_all();

 private:
  static constexpr std::size_t kStackBytes = std::size_t{1} << 20;

  static void* thread_main(void* argument);
  unsigned wait_step(LaneRun& lane, PlanWord word, const PlanWord* rest);
  unsigned start_step(PlanWord word, const PlanWord* rest);
  void start_thread(LaneRun& lane);
  void join(LaneRun& lane);
  void pin(const LaneRun& lane) const;
  std::size_t number_of(const LaneRun& lane) const {
    return static_cast<std::size_t>(&lane - lanes_);
  }

  RunHeader& run_;
  LaneRun* lanes_;
  const std::uint64_t* pauses_;
  Body body_;
  void* context_;
  char* stacks_ = nullptr;
  cpu_set_t cpus_;  // that the process may use
  unsigned spins_;
  std::uint64_t next_pause_ = 0;
  std::uint64_t released_ = 0;  // checkpoints that were let go, as LaneRun::reached
  std::uint64_t refilled_ = 0;  // how often there were more words, likewise
  LaneOverlap overlap_;
};

}  // namespace replay
