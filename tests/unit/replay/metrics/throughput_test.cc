#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(ThroughputTest, IsMeasuredEventsOverTime) {
  Plan plan = test::made_plan();
  plan.warmup_events = 200;
  const SubjectRuns runs = test::made_runs({8000, 16000});
  std::vector<Metric> metrics;
  add_throughput({plan, runs, runs}, metrics);
  EXPECT_EQ(metrics[0].key, "throughput_events_per_s");
  EXPECT_EQ(metrics[0].better, Better::kHigher);
  EXPECT_EQ(metrics[0].samples, (std::vector<double>{1e8, 5e7}));
  EXPECT_EQ(metrics[1].samples, (std::vector<double>{10, 20}));
}

}  // namespace
}  // namespace replay
