#include "replay/engine/timer_quality.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

// Windows of 42 ticks, and now and then one of 70: the clock steps by 14.
struct UnevenTimer {
  static inline std::uint64_t now = 0;
  static inline unsigned readings = 0;
  static std::uint64_t start() { return now; }
  static std::uint64_t stop() { return now += ++readings % 10 == 0 ? 70 : 42; }
};

TEST(TimerQualityTest, FindsTheCostOfAWindowAndTheStepsOfTheClock) {
  const EmptyWindows empty = measure_empty_windows<UnevenTimer>();
  EXPECT_EQ(empty.median_ticks, 42U);
  EXPECT_EQ(empty.step_ticks, 14U);
}

TEST(TimerQualityTest, TheClockItselfRunsAtOneNanosecondATick) {
  const TickRate<ClockTimer> rate;
  EXPECT_NEAR(rate.ns_per_tick(), 1, 0.01);
}

}  // namespace
}  // namespace replay
