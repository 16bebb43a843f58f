#include "replay/engine/pace.h"

#include "replay/engine/staged_pace.h"

#include <gtest/gtest.h>

#include <memory>

namespace replay {
namespace {

// A clock that moves by ten ticks whenever it is looked at.
struct SteppingTimer {
  static inline std::uint64_t now = 0;
  static std::uint64_t start() { return stop(); }
  static std::uint64_t stop() { return now += 10; }
};

struct Timed {
  TickHistogram* service;
  std::uint64_t last = 0;
  static std::uint64_t start() { return SteppingTimer::start(); }
  void stop(Op op, std::uint64_t begin) {
    last = SteppingTimer::stop() - begin;
    service[static_cast<int>(op)].record(last);
  }
  std::uint64_t ticks() const { return last; }
};

struct PaceTest : ::testing::Test {
  PaceTest() { SteppingTimer::now = 0; }
  PlanWord plan[5] = {77, 0, 100, 110, 5000};
  std::uint64_t first_due = 1;
  const Dues dues{plan, first_due};
};

TEST_F(PaceTest, WaitsUntilEachEventIsDue) {
  const PaceClock clock{1000, 1.0, 1.0};
  Pace<SteppingTimer> pace(clock, dues, 0);
  EXPECT_EQ(pace.wait(), 1000U);
  EXPECT_EQ(SteppingTimer::now, 1000U);
  EXPECT_EQ(pace.wait(), 1100U);
  EXPECT_EQ(SteppingTimer::now, 1100U);
}

TEST_F(PaceTest, TheMeasuredPartBeginsALittleLaterThanNow) {
  PaceClock clock{0, 1.0, 0.5};
  clock.begin_after(1000);
  EXPECT_EQ(clock.start_ticks, 1000U + 10'000'000U);  // 5 ms
}

TEST_F(PaceTest, TheTimesMayMoveWhileItDoesNotWait) {
  const PaceClock clock{1000, 1.0, 1.0};
  Pace<SteppingTimer> pace(clock, dues, 0);
  EXPECT_EQ(pace.wait(), 1000U);
  EXPECT_EQ(pace.wait(), 1100U);
  first_due = std::uint64_t{0} - 2;  // the lane's event 2 is the first that is there
  plan[0] = 200;
  plan[1] = 300;
  EXPECT_EQ(pace.wait(), 1200U);
  EXPECT_EQ(pace.wait(), 1300U);
}

TEST_F(PaceTest, StandingStillMovesAllThatIsToCome) {
  PacedPass<SteppingTimer> pass{{1000, 1.0, 1.0}};
  Pace<SteppingTimer> pace(pass.clock, dues, 0);
  EXPECT_EQ(pace.wait(), 1000U);
  pass.stand_still();
  SteppingTimer::now += 7000;
  pass.go_on();
  EXPECT_EQ(pace.wait(), 1000U + 7010U + 100U);
}

TEST_F(PaceTest, TheFactorStretchesTheRecordedTimes) {
  const PaceClock clock{1000, 3.0, 1.0};
  Pace<SteppingTimer> pace(clock, dues, 0);
  pace.wait();
  EXPECT_EQ(pace.wait(), 1300U);
}

struct SteppingProbe {
  static std::uint64_t start() { return SteppingTimer::start(); }
};

TEST_F(PaceTest, AnyProbeMayBePaced) {
  const PaceClock clock{1000, 1.0, 1.0};
  PacedProbe<SteppingTimer, SteppingProbe> probe{{}, {clock, dues, 0}};
  EXPECT_EQ(probe.start(), 1010U);
  EXPECT_EQ(probe.start(), 1110U);
}

TEST_F(PaceTest, WhoIsLateDoesNotWaitAndTheDelayIsChargedToEveryEvent) {
  auto service = std::make_unique<TickHistogram[]>(kOpCount);
  auto response = std::make_unique<TickHistogram[]>(kOpCount);
  const PaceClock clock{0, 1.0, 1.0};
  PacedTimerProbe<SteppingTimer, Timed> probe{
      Pace<SteppingTimer>(clock, dues, 0), response.get(), {service.get()}};
  const std::uint64_t first = probe.start();
  SteppingTimer::now += 2000;  // a stall
  probe.stop(Op::kMalloc, first);
  for (int i = 0; i < 2; ++i) probe.stop(Op::kFree, probe.start());
  const TickHistogram& frees = response[static_cast<int>(Op::kFree)];
  EXPECT_EQ(service[static_cast<int>(Op::kFree)].max, 10U);
  EXPECT_EQ(frees.count, 2U);
  EXPECT_GE(frees.max, 1900U);
  EXPECT_GE(frees.sum, 2 * 1900U);
  EXPECT_EQ(service[static_cast<int>(Op::kMalloc)].max, 2010U);
  probe.start();  // in time again
  EXPECT_EQ(probe.due, 5000U);
  EXPECT_GE(SteppingTimer::now, 5000U);
}

}  // namespace
}  // namespace replay
