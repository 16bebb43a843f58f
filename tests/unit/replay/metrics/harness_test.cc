#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(HarnessTest, CostComesFromTheCalibrationAndFailuresFromTheSubject) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({8000});
  runs.by_pass[0][0].failed_allocations = 3;
  const SubjectRuns calibration = test::made_runs({2000});
  std::vector<Metric> metrics;
  add_harness({plan, runs, calibration}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "harness_cost_per_event_ns")->samples,
            std::vector<double>{2});
  EXPECT_EQ(test::find_metric(metrics, "harness_timer_cost_ns")->samples, std::vector<double>{20});
  EXPECT_EQ(test::find_metric(metrics, "failed_allocations")->samples, std::vector<double>{3});
  EXPECT_FALSE(test::find_metric(metrics, "failed_allocations")->exact);
}

TEST(HarnessTest, FailuresAreExactWhereCostIsCounted) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({8000});
  runs.by_pass[0].clear();
  runs.by_pass[static_cast<std::size_t>(Pass::kInstructions)].resize(1);
  std::vector<Metric> metrics;
  add_harness({plan, runs, runs}, metrics);
  EXPECT_TRUE(test::find_metric(metrics, "failed_allocations")->exact);
}

}  // namespace
}  // namespace replay
