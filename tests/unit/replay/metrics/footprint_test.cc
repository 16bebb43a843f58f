#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(FootprintTest, TakesTheMostOfEachSeries) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1, 1});
  std::vector<Metric> metrics;
  add_footprint({plan, runs, runs}, metrics);
  const std::vector<double> five = {5, 5};
  EXPECT_EQ(test::find_metric(metrics, "peak_resident_pages")->samples, five);
  EXPECT_EQ(test::find_metric(metrics, "end_resident_pages")->samples, five);
  EXPECT_EQ(test::find_metric(metrics, "high_water_pages")->samples[0], 6);
  EXPECT_EQ(test::find_metric(metrics, "peak_mapped_pages")->samples[0], 16);
}

}  // namespace
}  // namespace replay
