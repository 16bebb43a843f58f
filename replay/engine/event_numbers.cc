#include "replay/engine/event_numbers.h"

#include <map>

namespace replay {

std::vector<std::uint64_t> event_numbers(const std::string& trace_path, ReadOptions read_options,
                                         const Plan& plan, ThreadChoice threads,
                                         const std::vector<LaneEvent>& wanted) {
  std::vector<std::uint64_t> numbers;
  if (plan.lanes.size() == 1 || wanted.empty()) {
    for (const LaneEvent& at : wanted) numbers.push_back(plan.warmup_events + at.event);
    return numbers;
  }
  std::map<LaneEvent, std::uint64_t> found;
  for (const LaneEvent& at : wanted) found[at] = 0;
  TraceReader trace(trace_path, read_options);
  const ThreadLives lives = find_thread_lives(trace, plan.event_count, threads);
  std::vector<std::uint64_t> measured(lives.lane_count, 0);
  std::uint64_t number = 0;
  for (auto block = trace.next_block(); !block.empty() && number < plan.event_count;
       block = trace.next_block()) {
    for (const Event& event : block) {
      if (number >= plan.warmup_events && number < plan.event_count) {
        const std::uint32_t lane = lives.threads[threads.thread_of(event.thread)].lane;
        const auto at = found.find({lane, measured[lane]++});
        if (at != found.end()) at->second = number;
      }
      ++number;
    }
  }
  for (const LaneEvent& at : wanted) numbers.push_back(found[at]);
  return numbers;
}

}  // namespace replay
