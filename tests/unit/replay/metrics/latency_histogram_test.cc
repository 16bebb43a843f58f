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
