#include "replay/metrics/latency_histogram.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

constexpr auto kMallocHistogram = static_cast<std::size_t>(Op::kMalloc);

TEST(LatencyHistogramTest, QuantilesMatchTheSamplesToABinsWidth) {
  RunOutcome run = test::made_outcome(1);
  for (std::uint64_t ticks = 1; ticks <= 10'000; ++ticks)
    run.histograms[kMallocHistogram].record(ticks);
  const LatencyHistogram h = latencies_of(run, Op::kMalloc);
  EXPECT_EQ(h.count, 10'000U);
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    EXPECT_NEAR(h.quantile_ns(q) / (q * 10'000 * 0.5), 1.0, 0.033) << q;
  }
  EXPECT_DOUBLE_EQ(h.max_ns, 5000);
  EXPECT_LE(h.quantile_ns(1.0), h.max_ns);
  EXPECT_DOUBLE_EQ(h.mean_ns(), 2500.25);
}

// Calls of 20 to 40 ns, read by a clock of 10 ns at whatever moment.
TEST(LatencyHistogramTest, QuantilesLieBetweenTheStepsOfTheClock) {
  RunOutcome run = test::made_outcome(1);
  run.timer_resolution_ns = 10;
  constexpr int kCalls = 2000;
  for (int i = 0; i < kCalls; ++i) {
    for (int phase = 0; phase < 10; ++phase) {
      const double ns = phase + 0.25 + 20 + 20.0 * i / kCalls;
      run.histograms[kMallocHistogram].record(static_cast<std::uint64_t>(ns / 10) * 20);
    }
  }
  const LatencyHistogram h = latencies_of(run, Op::kMalloc);
  EXPECT_EQ(h.bins.size(), 3U);
  EXPECT_NEAR(h.quantile_ns(0.25), 25, 1.5);
  EXPECT_NEAR(h.quantile_ns(0.5), 30, 0.5);
  EXPECT_NEAR(h.quantile_ns(0.75), 35, 1.5);
  EXPECT_LE(h.quantile_ns(1), 40);
  EXPECT_GE(h.quantile_ns(0), 0);
}

TEST(LatencyHistogramTest, WhereAllTakeTheSameTimeTheTailIsAStepTooLong) {
  RunOutcome run = test::made_outcome(1);
  run.timer_resolution_ns = 10;
  for (int i = 0; i < 1000; ++i) {
    run.histograms[kMallocHistogram].record(i < 600 ? 40 : 60);  // 24 ns read 20 or 30
  }
  const LatencyHistogram h = latencies_of(run, Op::kMalloc);
  EXPECT_NEAR(h.quantile_ns(0.5), 24, 1);
  EXPECT_LT(h.quantile_ns(0.999), 24 + 1.2 * 10);
}

TEST(LatencyHistogramTest, AFewCallsMoreDoNotMoveAQuantileByAStepOfTheClock) {
  const auto p90_with_slow = [](int slow) {
    RunOutcome run = test::made_outcome(1);
    run.timer_resolution_ns = 10;
    for (int i = 0; i < 1000; ++i) {
      run.histograms[kMallocHistogram].record(i < slow ? 80 : 60);  // 40 and 30 ns
    }
    return latencies_of(run, Op::kMalloc).quantile_ns(0.9);
  };
  EXPECT_NEAR(p90_with_slow(102) - p90_with_slow(98), 0, 1);
  EXPECT_GT(p90_with_slow(200) - p90_with_slow(98), 4);
}

TEST(LatencyHistogramTest, MergesRuns) {
  RunOutcome a = test::made_outcome(1);
  RunOutcome b = test::made_outcome(1);
  a.histograms[kMallocHistogram].record(10);
  b.histograms[kMallocHistogram].record(10);
  b.histograms[kMallocHistogram].record(1000);
  const LatencyHistogram h = merge_latencies({a, b}, Op::kMalloc);
  ASSERT_EQ(h.bins.size(), 2U);
  EXPECT_EQ(h.bins[0].count, 2U);
  EXPECT_DOUBLE_EQ(h.bins[0].lower_ns, 5);
  EXPECT_DOUBLE_EQ(h.bins[0].upper_ns, 5.5);
  EXPECT_DOUBLE_EQ(h.max_ns, 500);
}

TEST(LatencyHistogramTest, WithoutCallsThereIsNoLatency) {
  const LatencyHistogram h = latencies_of(test::made_outcome(1), Op::kMalloc);
  EXPECT_TRUE(std::isnan(h.quantile_ns(0.5)));
  EXPECT_TRUE(std::isnan(h.mean_ns()));
}

}  // namespace
}  // namespace replay
