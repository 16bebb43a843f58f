#include "replay/gen/marginals.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/events.h"

namespace replay::gen {
namespace {

Marginals marginals_of(const std::vector<Event>& events) {
  MarginalsMeter meter;
  meter.add(events);
  return meter.finish();
}

TEST(FineHistogramTest, BucketsAreExactBelow256AndWithin128thsAbove) {
  for (std::uint64_t value = 0; value < 256; ++value) {
    EXPECT_EQ(FineHistogram::bucket_of(value), value);
    EXPECT_EQ(FineHistogram::least(static_cast<std::size_t>(value)), value);
  }
  for (std::uint64_t value = 256; value < (std::uint64_t{1} << 62); value += value / 5) {
    const std::size_t bucket = FineHistogram::bucket_of(value);
    EXPECT_LE(FineHistogram::least(bucket), value);
    EXPECT_GT(FineHistogram::least(bucket + 1), value);
    EXPECT_LE(value - FineHistogram::least(bucket), value / 128);
  }
  EXPECT_EQ(FineHistogram::bucket_of(UINT64_MAX), FineHistogram::kBuckets - 1);
}

TEST(KolmogorovSmirnovTest, IsTheGreatestDifference) {
  FineHistogram a;
  FineHistogram b;
  EXPECT_EQ(kolmogorov_smirnov(a, b), 0);
  for (const std::uint64_t value : {1U, 2U, 3U, 4U}) a.add(value);
  EXPECT_EQ(kolmogorov_smirnov(a, b), 1);
  b.add(2, 10);
  b.add(9, 10);
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov(a, b), 0.5);
  EXPECT_EQ(kolmogorov_smirnov(a, a), 0);
}

TEST(MarginalsTest, MeasuresEachMarginal) {
  using test::free_of;
  using test::malloc_of;
  std::vector<Event> events = {malloc_of(0, 100), malloc_of(1, 50), test::realloc_of(0, 200),
                               free_of(1),        free_of(0),       malloc_of(2, 7)};
  events[3].thread = 1;
  const Marginals m = marginals_of(events);
  EXPECT_EQ(m.events, 6U);
  EXPECT_EQ(m.births, 3U);
  EXPECT_EQ(m.peak_bytes, 250U);
  EXPECT_EQ(m.sizes.weight(100), 1U);
  EXPECT_EQ(m.lifetimes.weight(2), 1U);  // object 1
  EXPECT_EQ(m.lifetimes.weight(4), 1U);  // object 0
  EXPECT_EQ(m.lifetimes.weight(FineHistogram::kBuckets - 1), 1U);
  EXPECT_EQ(m.live_sizes.weight(100), 2U);
  EXPECT_EQ(m.live_sizes.weight(200), 2U);
  EXPECT_EQ(m.resize_ratios.weight(128), 1U);
  EXPECT_EQ(m.resizes.weight(1), 1U);
  EXPECT_EQ((m.edges.at({0, 1})), 1U);
  EXPECT_EQ((m.edges.at({0, 0})), 1U);
  EXPECT_EQ(m.mean_bytes(2, 2), 250);
  EXPECT_EQ(m.mean_bytes(1, 3), 200);  // 150 and 250
  EXPECT_EQ(m.mean_bytes(4, 4), 0);
}

TEST(MarginalsTest, ACurveStaysSmall) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 50000; ++i) events.push_back(test::malloc_of(i, 1));
  const Marginals m = marginals_of(events);
  EXPECT_LE(m.curve.size(), 4096U);
  EXPECT_GE(m.curve.size(), 2048U);
  EXPECT_NEAR(m.mean_bytes(20000, 30000), 25000, 32);
}

TEST(MarginalsTest, AFreeOfNothingIsAnError) {
  EXPECT_EQ(test::error_of([] { marginals_of({test::free_of(3)}); }),
            "event 0: object 3 is not live; the trace is not valid");
}

}  // namespace
}  // namespace replay::gen
