// A compiled plan as tests look at it.
#pragma once

#include <unistd.h>

#include <vector>

#include "replay/engine/plan.h"
#include "replay/engine/plan_layout.h"

namespace replay::test {

inline std::vector<PlanWord> plan_words(const Plan& plan, std::uint64_t first,
                                        std::uint64_t count) {
  std::vector<PlanWord> words(count);
  const auto bytes = static_cast<ssize_t>(count * sizeof(PlanWord));
  const auto at = static_cast<off_t>(first * sizeof(PlanWord));
  if (::pread(plan.memory.get(), words.data(), count * sizeof(PlanWord), at) != bytes)
    words.clear();
  return words;
}

inline std::vector<PlanWord> lane_words(const Plan& plan, std::size_t lane) {
  return plan_words(plan, plan.lanes[lane].first_word, plan.lanes[lane].word_count);
}

}  // namespace replay::test
