#include "replay/engine/tick_histogram.h"

#include <gtest/gtest.h>

#include <memory>

namespace replay {
namespace {

using H = TickHistogram;

TEST(TickHistogramTest, EveryBucketBeginsWhereItsLowerBoundSays) {
  for (unsigned i = 0; i < H::kBuckets; ++i) {
    EXPECT_EQ(H::bucket_of(H::lower_bound(i)), i);
    if (i > 0) {
      EXPECT_EQ(H::bucket_of(H::lower_bound(i) - 1), i - 1);
    }
  }
}

TEST(TickHistogramTest, BucketsAreNarrow) {
  for (unsigned i = H::kSubBuckets; i + 1 < H::kBuckets; ++i) {
    const auto low = static_cast<double>(H::lower_bound(i));
    EXPECT_LE(static_cast<double>(H::lower_bound(i + 1)) / low, 1.0 + 1.0 / 32 + 1e-12);
  }
}

TEST(TickHistogramTest, HugeDurationsFallIntoTheLastBucket) {
  EXPECT_EQ(H::bucket_of(UINT64_MAX), H::kBuckets - 1);
}

TEST(TickHistogramTest, RecordKeepsCountSumAndMaximum) {
  auto h = std::make_unique<H>();
  h->record(3);
  h->record(1000);
  h->record(3);
  EXPECT_EQ(h->count, 3U);
  EXPECT_EQ(h->sum, 1006U);
  EXPECT_EQ(h->max, 1000U);
  EXPECT_EQ(h->buckets[3], 2U);
}

}  // namespace
}  // namespace replay
