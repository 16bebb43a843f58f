#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(FragmentationTest, LooksAtThePeakOfLiveBytesAndAtThePeakOfPages) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1});
  std::vector<Metric> metrics;
  add_fragmentation({plan, runs, runs}, metrics);
  auto sample = [&](const char* key) { return test::find_metric(metrics, key)->samples.at(0); };
  EXPECT_DOUBLE_EQ(sample("fragmentation_at_peak_live"), 0.5);
  EXPECT_DOUBLE_EQ(sample("total_allocated_at_peak_live_bytes"), 8192);
  EXPECT_DOUBLE_EQ(sample("total_pages_at_peak_live"), 4);
  EXPECT_DOUBLE_EQ(sample("fragmentation_at_peak_pages"), 0.8);
  EXPECT_DOUBLE_EQ(sample("total_allocated_at_peak_pages_bytes"), 4096);
  EXPECT_DOUBLE_EQ(sample("total_pages_at_peak_pages"), 5);
}

TEST(FragmentationTest, ByTheFourDefinitionsOfJohnstoneAndWilson) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1});
  std::vector<Metric> metrics;
  add_fragmentation({plan, runs, runs}, metrics);
  auto sample = [&](const char* key) { return test::find_metric(metrics, key)->samples.at(0); };
  EXPECT_DOUBLE_EQ(sample("fragmentation_jw_mean"), 2.0);
  EXPECT_DOUBLE_EQ(sample("fragmentation_jw_at_most_live"), 1.0);
  EXPECT_DOUBLE_EQ(sample("fragmentation_jw_at_most_held"), 4.0);
  EXPECT_DOUBLE_EQ(sample("fragmentation_jw_peaks"), 1.5);
}

}  // namespace
}  // namespace replay
