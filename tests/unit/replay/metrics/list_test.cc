#include <gtest/gtest.h>

#include <set>

#include "replay/metrics/metric.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(MetricListTest, KeysAreUniqueAndEveryGroupContributes) {
  Plan plan = test::made_plan();
  plan.lanes.resize(2);  // or it has no figures of concurrency
  const SubjectRuns runs = test::made_runs({1, 2});
  std::set<std::string> keys;
  for (const MetricGroup& group : metric_groups()) {
    std::vector<Metric> metrics;
    group.add({plan, runs, runs}, metrics);
    EXPECT_FALSE(metrics.empty()) << group.name;
    for (const Metric& metric : metrics) {
      EXPECT_TRUE(keys.insert(metric.key).second) << metric.key;
      EXPECT_EQ(metric.samples.size(), 2U) << metric.key;
      EXPECT_FALSE(metric.unit.empty()) << metric.key;
    }
  }
  EXPECT_EQ(compute_metrics({plan, runs, runs}).size(), keys.size());
}

TEST(MetricListTest, PassesAreThoseThatTheMetricsComeFrom) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1, 2});
  const Measured measured{plan, runs, runs};
  using Passes = std::vector<Pass>;
  EXPECT_EQ(passes_for(measured, {"time_per_event_ns"}), Passes{Pass::kThroughput});
  EXPECT_EQ(passes_for(measured, {"harness_timer_cost_ns"}), Passes{Pass::kLatency});
  EXPECT_EQ(passes_for(measured, {"failed_allocations"}), Passes{Pass::kThroughput});
  EXPECT_EQ(passes_for(measured, {"peak_resident_pages", "page_faults_minor"}),
            (Passes{Pass::kThroughput, Pass::kMemory}));
  EXPECT_EQ(passes_for(measured, {}), Passes{});
}

}  // namespace
}  // namespace replay
