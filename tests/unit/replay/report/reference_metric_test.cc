#include "replay/report/reference_metric.h"

#include <gtest/gtest.h>

#include <cmath>

namespace replay {
namespace {

RecordedAllocator with(std::vector<std::pair<std::string, double>> figures) {
  RecordedAllocator allocator{"glibc", "preload", {}, {}};
  for (const auto& [key, value] : figures) {
    allocator.metrics.push_back({key, "ns", Better::kLower, {value, value, value}});
  }
  return allocator;
}

// Which metric of a reference with these figures, in both sessions, stands beside one of `level`.
std::string beside(const std::string& key, double level, const RecordedAllocator& reference) {
  const Metric metric{key, "ns", Better::kLower, {level, level}};
  const ReferenceMetric found = reference_metric(metric, metric, reference, reference);
  if (found.subject == nullptr) return "";
  EXPECT_EQ(found.baseline->key, found.subject->key);
  return found.subject->key;
}

const RecordedAllocator kGlibc = with({{"latency_ns_malloc_p50", 30},
                                       {"latency_ns_malloc_p99", 160},
                                       {"latency_ns_malloc_p999", 12000},
                                       {"latency_ns_malloc_max", 200},
                                       {"latency_ns_malloc_mean", 200},
                                       {"latency_ns_free_p999", 200},
                                       {"response_ns_malloc_p999", 200},
                                       {"time_per_event_ns", 200}});

TEST(ReferenceMetricTest, QuantilesStandBesideCallsThatTakeAboutAsLong) {
  EXPECT_EQ(beside("latency_ns_malloc_p999", 200, kGlibc), "latency_ns_malloc_p99");
  EXPECT_EQ(beside("latency_ns_malloc_p999", 9000, kGlibc), "latency_ns_malloc_p999");
  EXPECT_EQ(beside("latency_ns_malloc_p50", 9000, kGlibc), "latency_ns_malloc_p999");
  EXPECT_EQ(beside("latency_ns_malloc_p99", 9000, kGlibc), "latency_ns_malloc_p999");
  EXPECT_EQ(beside("latency_ns_malloc_p99", 2, kGlibc), "latency_ns_malloc_p50");
}

TEST(ReferenceMetricTest, WithinAnOrderOfMagnitudeItIsItsOwn) {
  EXPECT_EQ(beside("latency_ns_malloc_p99", 66, kGlibc), "latency_ns_malloc_p99");
  EXPECT_EQ(beside("latency_ns_malloc_p999", 1210, kGlibc), "latency_ns_malloc_p999");
  EXPECT_EQ(beside("latency_ns_malloc_p999", 1190, kGlibc), "latency_ns_malloc_p99");
}

TEST(ReferenceMetricTest, OfEquallyGoodOnesItIsItsOwn) {
  const RecordedAllocator flat = with({{"latency_ns_malloc_p50", 30},
                                       {"latency_ns_malloc_p90", 30},
                                       {"latency_ns_malloc_p99", 30}});
  for (const Metric& metric : flat.metrics) EXPECT_EQ(beside(metric.key, 4000, flat), metric.key);
}

TEST(ReferenceMetricTest, TheLevelIsThatOfBothSessions) {
  const Metric before{"latency_ns_malloc_p999", "ns", Better::kLower, {100}};
  const Metric after{"latency_ns_malloc_p999", "ns", Better::kLower, {10000}};
  const RecordedAllocator first =
      with({{"latency_ns_malloc_p99", 200}, {"latency_ns_malloc_p999", 10000}});
  const RecordedAllocator second =
      with({{"latency_ns_malloc_p99", 3200}, {"latency_ns_malloc_p999", 100}});
  // Geometric means: 800 and 1000 beside 1000, then 1000 and 10000.
  EXPECT_EQ(reference_metric(before, after, first, second).subject->key, "latency_ns_malloc_p999");
  const RecordedAllocator third =
      with({{"latency_ns_malloc_p99", 5000}, {"latency_ns_malloc_p999", 10000}});
  EXPECT_EQ(reference_metric(before, after, first, third).subject->key, "latency_ns_malloc_p99");
}

TEST(ReferenceMetricTest, WhatIsNoQuantileStandsBesideItsOwn) {
  EXPECT_EQ(beside("latency_ns_malloc_max", 12000, kGlibc), "latency_ns_malloc_max");
  EXPECT_EQ(beside("latency_ns_malloc_mean", 30, kGlibc), "latency_ns_malloc_mean");
  EXPECT_EQ(beside("time_per_event_ns", 30, kGlibc), "time_per_event_ns");
}

TEST(ReferenceMetricTest, WhatASessionLacksIsNoReference) {
  EXPECT_EQ(beside("latency_ns_realloc_p99", 160, kGlibc), "");
  const Metric metric{"latency_ns_malloc_p99", "ns", Better::kLower, {10}};
  const RecordedAllocator none = with({});
  EXPECT_EQ(reference_metric(metric, metric, kGlibc, none).subject, nullptr);
  EXPECT_EQ(reference_metric(metric, metric, none, kGlibc).baseline, nullptr);
  const RecordedAllocator own_alone = with({{"latency_ns_malloc_p99", 160}});
  EXPECT_EQ(reference_metric(metric, metric, own_alone, kGlibc).subject->key,
            "latency_ns_malloc_p99");
}

TEST(ReferenceMetricTest, AQuantileThatARepetitionLacksStandsBesideNothingElse) {
  RecordedAllocator holey = kGlibc;
  holey.metrics[1].samples[2] = std::nan("");
  EXPECT_EQ(beside("latency_ns_malloc_p999", 160, holey), "latency_ns_malloc_p50");
  EXPECT_EQ(beside("latency_ns_malloc_p99", 160, holey), "latency_ns_malloc_p50");
}

}  // namespace
}  // namespace replay
