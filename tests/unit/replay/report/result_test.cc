#include "replay/report/result.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(ResultTest, SummarizesToMediansSeriesAndHistograms) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({8000, 2000, 4000, 8000, 2000, 4000, 4000});
  const AllocatorResult result = summarize(plan, runs, runs);
  const Figure* cost = result.find("time_per_event_ns");
  ASSERT_NE(cost, nullptr);
  EXPECT_DOUBLE_EQ(cost->value, 4);
  EXPECT_DOUBLE_EQ(cost->interval->low, 2);
  EXPECT_DOUBLE_EQ(cost->interval->high, 8);
  EXPECT_EQ(result.memory.total_pages.back(), 5U);
  ASSERT_EQ(result.latencies.size(), 2U);
  EXPECT_EQ(result.latencies[0].first, Op::kMalloc);
  EXPECT_EQ(result.latencies[1].first, Op::kFree);
  EXPECT_EQ(result.find("no_such_metric"), nullptr);
}

TEST(ResultTest, APassThatDidNotRunLeavesNothing) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({8000, 8000});
  for (const Pass pass : {Pass::kThroughput, Pass::kLatency, Pass::kMemory}) {
    runs.by_pass[static_cast<std::size_t>(pass)].clear();
  }
  const AllocatorResult result = summarize(plan, runs, runs);
  EXPECT_TRUE(result.memory.event.empty());
  EXPECT_TRUE(result.latencies.empty());
  EXPECT_EQ(result.find("throughput_events_per_s"), nullptr);
  const Figure* faults = result.find("cost_page_faults");
  ASSERT_NE(faults, nullptr);
  ASSERT_TRUE(faults->interval);  // two samples of an exact figure are enough
  EXPECT_EQ(faults->interval->low, 7);
}

}  // namespace
}  // namespace replay
