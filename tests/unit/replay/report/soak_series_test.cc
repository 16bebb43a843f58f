#include "replay/report/soak_series.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(SoakSeriesTest, FiguresOfEachTurnAboveTheBaselineAndAnEvent) {
  const Plan closed = test::made_plan();  // 1000 events, 4096 bytes live at the end
  RunOutcome run = test::made_outcome(1);
  for (std::uint64_t i = 0; i < 40; ++i) run.turns.push_back({(200 + i) * 4096, 50'000});
  const SoakSeries series = soak_series(closed, 990, run);
  EXPECT_EQ(series.events_per_turn, 1000U);
  EXPECT_EQ(series.closing_events, 10U);
  EXPECT_EQ(series.live_bytes, 4096U);
  EXPECT_EQ(series.resident_bytes.front(), 100 * 4096.0);
  EXPECT_EQ(series.cpu_time_per_event_ns.back(), 50.0);
  EXPECT_EQ(series.resident.verdict, DriftVerdict::kGrows);
  EXPECT_EQ(series.cpu_time.verdict, DriftVerdict::kSteady);
}

}  // namespace
}  // namespace replay
