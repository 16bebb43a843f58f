#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(LatencyTest, HasEveryFigureOfTheOperationsInTheTraceAndNoOther) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({1, 1});
  auto& latency = runs.by_pass[static_cast<std::size_t>(Pass::kLatency)];
  latency[0].histograms[static_cast<std::size_t>(Op::kFree)].record(20);
  latency[1].histograms[static_cast<std::size_t>(Op::kFree)].record(30);
  std::vector<Metric> metrics;
  add_latency({plan, runs, runs}, metrics);
  EXPECT_EQ(metrics.size(), 2U * 8U);
  EXPECT_EQ(test::find_metric(metrics, "latency_ns_realloc_p50"), nullptr);
  const Metric* max = test::find_metric(metrics, "latency_ns_free_max");
  ASSERT_NE(max, nullptr);
  EXPECT_EQ(max->samples, (std::vector<double>{10, 15}));
  EXPECT_EQ(test::find_metric(metrics, "latency_ns_free_count")->samples,
            (std::vector<double>{1, 1}));
}

TEST(LatencyTest, PacedRunsHaveResponseTimesToo) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({1});
  RunOutcome& run = runs.by_pass[static_cast<std::size_t>(Pass::kLatency)][0];
  run.responses.resize(kOpCount);
  run.histograms[static_cast<std::size_t>(Op::kFree)].record(20);
  run.responses[static_cast<std::size_t>(Op::kFree)].record(2000);
  std::vector<Metric> metrics;
  add_latency({plan, runs, runs}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "latency_ns_free_max")->samples[0], 10);
  EXPECT_EQ(test::find_metric(metrics, "response_ns_free_max")->samples[0], 1000);
}

}  // namespace
}  // namespace replay
