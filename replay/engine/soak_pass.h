// The soak: a closed plan's measured part, turn after turn, by one thread. The plan ends with the
// objects live, slot by slot, that were live where the part began (PlanOptions::closed), so its
// words may be executed again. For the worker: no C++ library, no allocation.
#pragma once

#include <time.h>

#include <cstdint>

#include "replay/engine/hot_loop.h"
#include "replay/engine/process_memory.h"
#include "replay/engine/stage.h"

namespace replay {

class Soak {
 public:
  explicit Soak(const Stage& stage) : stage_(stage), lane_(stage.lanes[0]) {}

  void run() {
    const std::uint64_t begin = stage_.pauses[0] & ~kNobody;
    replay(0, begin);
    for (std::uint64_t i = 0; i < stage_.run->turn_count; ++i) {
      const std::uint64_t before_ns = cpu_ns();
      replay(begin, lane_.word_count);
      stage_.turns[i] = {0, cpu_ns() - before_ns};
      stage_.turns[i].anonymous_bytes = sample_memory().anonymous_bytes;
      lane_.words_done = lane_.word_count * (i + 1) / stage_.run->turn_count;
    }
  }

 private:
  static std::uint64_t cpu_ns() {
    timespec now;
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
  }

  void replay(std::uint64_t from, std::uint64_t to) {
    switch (stage_.touch) {
      case Touch::kNone:
        return replay_touching<Touch::kNone>(from, to);
      case Touch::kPage:
        return replay_touching<Touch::kPage>(from, to);
      case Touch::kAll:
        return replay_touching<Touch::kAll>(from, to);
      case Touch::kRecorded:
        return replay_touching<Touch::kRecorded>(from, to);
    }
  }

  template <Touch kTouch>
  void replay_touching(std::uint64_t from, std::uint64_t to) {
    NoProbe probe;
    const PlanWord* words = stage_.plan + lane_.first_word;
    lane_.failed_allocations +=
        run_plan<kTouch>(stage_.allocator, words + from, words + to, stage_.slots, probe);
  }

  const Stage& stage_;
  LaneRun& lane_;
};

// pre: the plan is closed and of one lane.
inline bool run_soak(const Stage& stage) {
  if (stage.run->lane_count != 1) return false;
  stage.run->baseline = sample_memory();
  Soak(stage).run();
  return true;
}

}  // namespace replay
