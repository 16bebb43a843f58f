#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(DisturbanceTest, IsCountedWhereItCanBeSeen) {
  SubjectRuns runs = test::made_runs({1, 1});
  for (RunOutcome& run : runs.by_pass[static_cast<std::size_t>(Pass::kLatency)]) {
    run.latency.disturbed = {0, 3, 1};
    run.latency.preemptions_seen = true;
  }
  std::vector<Metric> metrics;
  add_disturbance({test::made_plan(), runs, runs}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "latency_windows_preempted")->samples,
            (std::vector<double>{3, 3}));
  EXPECT_EQ(test::find_metric(metrics, "latency_windows_migrated")->samples,
            (std::vector<double>{1, 1}));
  runs.by_pass[static_cast<std::size_t>(Pass::kLatency)][0].latency.preemptions_seen = false;
  metrics.clear();
  add_disturbance({test::made_plan(), runs, runs}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "latency_windows_preempted")->samples.size(), 1U);
}

}  // namespace
}  // namespace replay
