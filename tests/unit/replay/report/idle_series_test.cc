#include "replay/report/idle_series.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

// Most held: 5 pages, and one page live at the end. Four could come back.
TEST(IdleSeriesTest, ComesBackWhenMostOfWhatCouldHas) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({1});
  const IdleSeries held = idle_series(plan, runs);
  EXPECT_EQ(held.after_ms, (std::vector<std::uint32_t>{0, 500}));
  EXPECT_EQ(held.live_bytes, 4096U);
  EXPECT_EQ(held.peak_resident_pages, 5);
  EXPECT_EQ(held.end_resident_pages, 5);
  EXPECT_EQ(held.untrimmed.resident_pages, (std::vector<double>{4, 2}));
  EXPECT_FALSE(held.untrimmed.back_after_ms.has_value());

  runs.by_pass[static_cast<std::size_t>(Pass::kTrimmed)][0].idle.anonymous_bytes[1] = 101 * 4096;
  const IdleSeries back = idle_series(plan, runs);
  EXPECT_EQ(back.trimmed.back_after_ms, 500U);
  EXPECT_FALSE(back.untrimmed.back_after_ms.has_value());
}

TEST(IdleSeriesTest, TakesTheMedianOfTheRepetitions) {
  SubjectRuns runs = test::made_runs({1, 1, 1});
  runs.by_pass[static_cast<std::size_t>(Pass::kMemory)][2].idle.anonymous_bytes[0] = 900 * 4096;
  EXPECT_EQ(idle_series(test::made_plan(), runs).untrimmed.resident_pages[0], 4);
  runs = test::made_runs({1, 1});
  runs.by_pass[static_cast<std::size_t>(Pass::kMemory)][1].idle.anonymous_bytes[0] = 106 * 4096;
  EXPECT_EQ(idle_series(test::made_plan(), runs).untrimmed.resident_pages[0], 5);
}

TEST(IdleSeriesTest, WithoutATrimThereIsAReason) {
  SubjectRuns runs = test::made_runs({1});
  for (auto& pass : runs.by_pass) pass[0].idle.trimmed = false;
  const IdleSeries series = idle_series(test::made_plan(), runs);
  EXPECT_FALSE(series.trimmed.why_absent.empty());
  EXPECT_TRUE(series.trimmed.resident_pages.empty());
}

TEST(IdleSeriesTest, IsEmptyIfNothingWasAskedFor) {
  SubjectRuns runs = test::made_runs({1});
  runs.by_pass[static_cast<std::size_t>(Pass::kTrimmed)].clear();
  EXPECT_TRUE(idle_series(test::made_plan(), runs).after_ms.empty());
}

}  // namespace
}  // namespace replay
