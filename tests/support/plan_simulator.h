// Executes a plan of several lanes in one thread, the lanes in an order of chance, and says what
// the plan should not have let happen.
#pragma once

#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/plan_words.h"

namespace replay::test {

class PlanSimulator {
 public:
  PlanSimulator(std::size_t lanes, std::uint64_t slots, std::uint64_t seed)
      : random_(seed), lanes_(lanes), slots_(slots, kEmpty) {
    lanes_[0].end = kAllWords;
  }
  PlanSimulator(const Plan& plan, std::uint64_t seed)
      : PlanSimulator(plan.lanes.size(), plan.slot_count, seed) {
    for (std::size_t i = 0; i < plan.lanes.size(); ++i) give(i, lane_words(plan, i));
  }

  // Further words of a lane; and of the thread that runs in it, where it ends.
  void give(std::size_t lane, const std::vector<PlanWord>& words) {
    lanes_[lane].words.insert(lanes_[lane].words.end(), words.begin(), words.end());
  }
  void end_thread(std::size_t lane, std::uint64_t word) { lanes_[lane].end = word; }

  // All that there is; what went wrong first, or "". Counts what it executed.
  std::string run() {
    while (problem_.empty()) {
      // A lane goes on for a while before another gets its turn, so that they drift far apart.
      Lane& lane = lanes_[random_() % lanes_.size()];
      const std::uint64_t turns = std::uint64_t{1} << (random_() % 10);
      bool moved = false;
      for (std::uint64_t i = 0; i < turns && problem_.empty() && step(lane); ++i) moved = true;
      if (!moved && problem_.empty() && !any_step()) break;
    }
    for (const Lane& lane : lanes_) {
      if (problem_.empty() && lane.at != lane.words.size()) problem_ = "the lanes lock each other";
    }
    return problem_;
  }

  std::uint64_t events = 0;
  std::uint64_t waits = 0;

 private:
  static constexpr std::uint64_t kEmpty = UINT64_MAX;

  struct Lane {
    std::vector<PlanWord> words;
    std::uint64_t at = 0;
    std::uint64_t end = 0;  // of the thread that runs in it
    std::uint64_t reached = 0;
  };

  bool any_step() {
    for (Lane& lane : lanes_) {
      if (step(lane)) return true;
    }
    return false;
  }

  // Returns false if the lane has to wait.
  bool step(Lane& lane) {
    if (lane.at == lane.end || lane.at == lane.words.size()) return false;
    const PlanWord word = lane.words[lane.at];
    if (is_plan_step(word)) return wait_or_start(lane, word);
    execute(lane, word);
    lane.at += plan_event_words(word);
    if (plan_posts(word)) lane.reached = lane.at;
    ++events;
    return true;
  }

  bool wait_or_start(Lane& lane, PlanWord word) {
    Lane& other = lanes_[plan_slot(word)];
    if (plan_step(word) == Step::kWait) {
      if (other.reached < lane.words[lane.at + 1]) return false;
      lane.at += kWaitWords;
      ++waits;
      return true;
    }
    if (other.at != other.end) return false;
    if (other.at != lane.words[lane.at + 1]) problem_ = "a thread begins at the wrong word";
    other.end = lane.words[lane.at + 2];
    lane.at += kStartWords;
    return true;
  }

  void execute(const Lane& lane, PlanWord word) {
    std::uint64_t& slot = slots_[plan_slot(word)];
    const bool wide = plan_size_field(word) == kWideSize;
    const std::uint64_t size = wide ? lane.words[lane.at + 1] : plan_size_field(word);
    const Op op = plan_op(word);
    if (is_birth(op) != (slot == kEmpty)) {
      problem_ =
          fmt::format("{} where the slot is {}", op_name(op), is_birth(op) ? "used" : "empty");
    } else if (op == Op::kRealloc && lane.words[lane.at + (wide ? 2 : 1)] != slot) {
      problem_ = "realloc of an object of another size";
    }
    slot = op == Op::kFree ? kEmpty : size;
  }

  std::mt19937_64 random_;
  std::vector<Lane> lanes_;
  std::vector<std::uint64_t> slots_;  // size of what lives there
  std::string problem_;
};

}  // namespace replay::test
