#include "replay/metrics/memory_series.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(MemorySeriesTest, CountsPagesAboveTheBaseline) {
  const Plan plan = test::made_plan();
  const MemorySeries series = memory_series(plan, test::made_outcome(1));
  EXPECT_EQ(series.event, (std::vector<std::uint64_t>{0, 10, 20}));
  EXPECT_EQ(series.total_allocated_bytes, (std::vector<std::uint64_t>{0, 8192, 4096}));
  EXPECT_EQ(series.total_pages, (std::vector<std::uint64_t>{0, 4, 5}));
  EXPECT_EQ(series.mapped_pages, (std::vector<std::uint64_t>{0, 16, 8}));
  EXPECT_EQ(series.most_pages(), 2U);
}

TEST(MemorySeriesTest, DirtyFreeIsResidentWithoutALiveByte) {
  const MemorySeries series = memory_series(test::made_plan(), test::made_outcome(1));
  EXPECT_EQ(series.dirty_free.at, (std::vector<std::uint64_t>{0, 4096, 4 * 4096}));
  EXPECT_EQ(series.usable.at, (std::vector<std::uint64_t>{0, 10000, 5000}));
  EXPECT_EQ(series.huge_page_bytes, (std::vector<std::uint64_t>{0, 4096, 0}));
  EXPECT_EQ(series.page_table_bytes, (std::vector<std::uint64_t>{0, 9000, 8000}));
}

TEST(MemorySeriesTest, WhatIsNotKnownHasAReasonAndNoEntries) {
  RunOutcome run = test::made_outcome(1);
  run.usable_known = run.occupied_known = false;
  const MemorySeries series = memory_series(test::made_plan(), run);
  EXPECT_TRUE(series.usable.at.empty());
  EXPECT_FALSE(series.usable.why_absent.empty());
  EXPECT_TRUE(series.dirty_free.at.empty());
  EXPECT_FALSE(series.dirty_free.why_absent.empty());
}

TEST(MemorySeriesTest, FragmentationIsTheShareNotAllocated) {
  const MemorySeries series = memory_series(test::made_plan(), test::made_outcome(1));
  EXPECT_TRUE(std::isnan(series.fragmentation(0)));
  EXPECT_DOUBLE_EQ(series.fragmentation(1), 0.5);
  EXPECT_DOUBLE_EQ(series.fragmentation(2), 0.8);
}

TEST(MemorySeriesTest, WhatIsHeldBeyondLiveBytesOnAverageOverTheEvents) {
  const MemorySeries series = memory_series(test::made_plan(), test::made_outcome(1));
  EXPECT_DOUBLE_EQ(series.held_beyond_live(1, 1), 1.0);
  EXPECT_DOUBLE_EQ(series.held_beyond_live(2, 1), 1.5);
  EXPECT_TRUE(std::isnan(series.held_beyond_live(0, 0)));
  // The middle sample stands for 10 events, the last one for 5, the first one for none.
  EXPECT_DOUBLE_EQ(series.mean_held_beyond_live(), (10 * 1.0 + 5 * 4.0) / 15);
}

TEST(MemorySeriesTest, LessThanTheBaselineIsNoPage) {
  RunOutcome run = test::made_outcome(1);
  run.samples[1].anonymous_bytes = 90 * 4096;
  EXPECT_EQ(memory_series(test::made_plan(), run).total_pages[1], 0U);
}

}  // namespace
}  // namespace replay
