#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(ConcurrencyMetricsTest, OneThreadHasNone) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1000});
  std::vector<Metric> metrics;
  add_concurrency({plan, runs, runs}, metrics);
  EXPECT_TRUE(metrics.empty());
}

TEST(ConcurrencyMetricsTest, SharesAreOfTheEventsAndTheTime) {
  Plan plan = test::made_plan();
  plan.lanes.resize(2);
  SubjectRuns runs = test::made_runs({1000, 2000});
  for (RunOutcome& run : runs.by_pass[static_cast<std::size_t>(Pass::kThroughput)]) {
    run.concurrency = {.waits_blocked = 5,
                       .waits_slept = 2,
                       .waited_ns = 300,
                       .busy_ns = 1500,
                       .overlapped_events = 400};
  }
  std::vector<Metric> metrics;
  add_concurrency({plan, runs, runs}, metrics);
  const auto samples = [&](const char* key) { return test::find_metric(metrics, key)->samples; };
  EXPECT_EQ(samples("threads_overlapped_share"), (std::vector<double>{0.4, 0.4}));
  EXPECT_EQ(samples("threads_running_mean"), (std::vector<double>{1.5, 0.75}));
  EXPECT_EQ(samples("threads_waited_ns"), (std::vector<double>{300, 300}));
  EXPECT_EQ(samples("threads_waits_blocked"), (std::vector<double>{5, 5}));
  EXPECT_EQ(samples("threads_waits_slept"), (std::vector<double>{2, 2}));
}

}  // namespace
}  // namespace replay
