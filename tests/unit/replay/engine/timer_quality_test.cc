#include "replay/engine/timer_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace replay {
namespace {

// A clock that shows true time, which the test lets pass, as `kShow` does.
template <std::uint64_t (*kShow)(double)>
struct MadeTimer {
  static inline double now = 0;
  static inline std::uint64_t readings = 0;
  static std::uint64_t start() {
    now += 5.3;
    return kShow(now);
  }
  // Windows of 21.5 to 90.8, those interrupted of 10,000 and more.
  static std::uint64_t stop() {
    ++readings;
    now += readings % 31 == 0 ? 10007.7 + static_cast<double>(readings)
                              : 21.5 + 1.1 * static_cast<double>(readings % 64);
    return kShow(now);
  }
};

std::uint64_t every_tick(double now) { return static_cast<std::uint64_t>(now); }
std::uint64_t second_ticks(double now) { return static_cast<std::uint64_t>(now / 2) * 2; }
std::uint64_t steps_of_21(double now) { return static_cast<std::uint64_t>(now / 21) * 21; }
// A counter at 99.8 MHz shown in nanoseconds, and one at 40 MHz in ticks of a third of one.
std::uint64_t rounded(double now) {
  return static_cast<std::uint64_t>(std::floor(now / 10.02) * 10.02);
}
std::uint64_t coarse(double now) {
  return static_cast<std::uint64_t>(std::floor(now / 25) * 25 * 3.1);
}

TEST(TimerQualityTest, FindsTheStepsOfTheClock) {
  EXPECT_EQ(measure_timer<MadeTimer<every_tick>>().step_ticks, 1);
  EXPECT_EQ(measure_timer<MadeTimer<second_ticks>>().step_ticks, 2);
  EXPECT_EQ(measure_timer<MadeTimer<steps_of_21>>().step_ticks, 21);
}

TEST(TimerQualityTest, FindsStepsThatAreRoundedToTicks) {
  EXPECT_NEAR(measure_timer<MadeTimer<rounded>>().step_ticks, 10.02, 0.05);
  EXPECT_NEAR(measure_timer<MadeTimer<coarse>>().step_ticks, 77.5, 0.4);
}

// A clock that takes long to read, now and then twice as long, is none that steps by that.
TEST(TimerQualityTest, ReadingsThatTakeLongAreNoSteps) {
  std::vector<std::uint64_t> windows;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    windows.push_back(i < 940 ? 1990 + i % 21 : 3980 + i % 41);
  }
  std::sort(windows.begin(), windows.end());
  EXPECT_EQ(step_of(windows), 1);
}

TEST(TimerQualityTest, AStepIsFoundThoughACoarserOneNearlyFits) {
  std::vector<std::uint64_t> windows;  // 8 to 10 steps of 69.84
  for (int i = 0; i < 1000; ++i) {
    const double start = 69.84 * i;
    const int steps = i < 500 ? 8 : i < 950 ? 9 : 10;
    windows.push_back(static_cast<std::uint64_t>(start + 69.84 * steps) -
                      static_cast<std::uint64_t>(start));
  }
  std::sort(windows.begin(), windows.end());
  EXPECT_NEAR(step_of(windows), 69.84, 0.1);
}

TEST(TimerQualityTest, WindowsThatAllTakeAsLongTellNoMoreThanThat) {
  const std::vector<std::uint64_t> equal(100, 7);
  EXPECT_EQ(step_of(equal), 7);
  std::vector<std::uint64_t> alike(100, 50);
  std::fill(alike.begin() + 50, alike.end(), 51);
  EXPECT_EQ(step_of(alike), 1);
}

// Empty windows read 40 or 60.
struct EitherTimer {
  static inline std::uint64_t now = 0;
  static inline unsigned readings = 0;
  static std::uint64_t start() { return now; }
  static std::uint64_t stop() {
    return now += ++readings % 16 < 10 ? 40 : readings % 16 == 15 ? 900 : 60;
  }
};

TEST(TimerQualityTest, TheCostOfAWindowLiesBetweenTheSteps) {
  // Of 16, 10 read 40, 5 more 60 and one was interrupted; of the middle 8, 6 and 2.
  EXPECT_NEAR(measure_timer<EitherTimer>().window_ticks, 45, 0.1);
}

TEST(TimerQualityTest, TheClockItselfRunsAtOneNanosecondATick) {
  const TickRate<ClockTimer> rate;
  EXPECT_NEAR(rate.ns_per_tick(), 1, 0.01);
}

}  // namespace
}  // namespace replay
