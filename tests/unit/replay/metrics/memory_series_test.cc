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

TEST(MemorySeriesTest, FragmentationIsTheShareNotAllocated) {
  const MemorySeries series = memory_series(test::made_plan(), test::made_outcome(1));
  EXPECT_TRUE(std::isnan(series.fragmentation(0)));
  EXPECT_DOUBLE_EQ(series.fragmentation(1), 0.5);
  EXPECT_DOUBLE_EQ(series.fragmentation(2), 0.8);
}

TEST(MemorySeriesTest, LessThanTheBaselineIsNoPage) {
  RunOutcome run = test::made_outcome(1);
  run.samples[1].anonymous_bytes = 90 * 4096;
  EXPECT_EQ(memory_series(test::made_plan(), run).total_pages[1], 0U);
}

}  // namespace
}  // namespace replay
