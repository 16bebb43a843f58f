#include "replay/report/latency_json.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

LatencyClass made_class(Op op, unsigned size_class, bool special) {
  LatencyClass part{op, size_class, special, {}, {}};
  part.ticks.record(7);
  part.ticks.record(7);
  part.ticks.record(40);
  part.ns = in_ns(part.ticks, 0.5, 0.5);
  return part;
}

TEST(LatencyJsonTest, EachClassSaysItsSizesItsCircumstanceAndItsHistogram) {
  LatencyClasses latency;
  latency.ns_per_tick = 0.5;
  latency.first_touch_known = true;
  latency.classes = {made_class(Op::kMalloc, 0, true), made_class(Op::kFree, 2, true),
                     made_class(Op::kMalloc, kSizeClassCount - 1, false)};
  const auto rows = latency_by_class_json(latency);
  EXPECT_EQ(rows[0]["above_bytes"], 0);
  EXPECT_EQ(rows[0]["up_to_bytes"], 8);
  EXPECT_EQ(rows[0]["first_touch"], true);
  EXPECT_TRUE(rows[0]["remote"].is_null());
  EXPECT_EQ(rows[0]["calls"], 3);
  EXPECT_EQ(rows[0]["max_ns"], 20);
  EXPECT_EQ(rows[1]["above_bytes"], 16);
  EXPECT_EQ(rows[1]["up_to_bytes"], 32);
  EXPECT_EQ(rows[1]["remote"], true);
  EXPECT_TRUE(rows[1]["first_touch"].is_null());
  EXPECT_TRUE(rows[2]["up_to_bytes"].is_null());
  // The documented form: buckets of 16 a doubling, below 16 ticks one each.
  const auto& histogram = rows[0]["histogram"];
  EXPECT_EQ(histogram["buckets_per_doubling"], 16);
  EXPECT_EQ(histogram["tick_ns"], 0.5);
  EXPECT_EQ(histogram["index"], (std::vector<int>{7, 36}));  // 40 = (16 + 4) << 1
  EXPECT_EQ(histogram["count"], (std::vector<int>{2, 1}));
  EXPECT_EQ(histogram["sum_ticks"], 54);
  EXPECT_EQ(histogram["max_ticks"], 40);
}

TEST(LatencyJsonTest, TheWorstAreNamedAndExplainedWhereTheyWere) {
  LatencyClasses latency;
  latency.worst.resize(2);
  latency.worst[0].event = 12;
  latency.worst[0].ns = 1234.5;
  latency.worst[0].explained = ExplainedCall{};
  latency.worst[0].explained->page_faults = 3;
  latency.worst[0].explained->memory_calls[static_cast<int>(MemoryCall::kMadvise)] = 2;
  const auto rows = latency_worst_json(latency);
  EXPECT_EQ(rows[0]["event"], 12);
  EXPECT_EQ(rows[0]["ns"], 1234.5);
  EXPECT_TRUE(rows[0]["first_touch"].is_null());  // not known
  EXPECT_EQ(rows[0]["explained"]["page_faults"], 3);
  EXPECT_EQ(rows[0]["explained"]["calls"]["madvise"], 2);
  EXPECT_TRUE(rows[1]["explained"].is_null());
}

TEST(LatencyJsonTest, WhatCannotBeSeenIsNull) {
  LatencyClasses latency;
  latency.disturbed = {0, 5, 2};
  EXPECT_TRUE(latency_disturbed_json(latency)["preempted"].is_null());
  EXPECT_EQ(latency_disturbed_json(latency)["migrated"], 2);
  latency.preemptions_seen = true;
  EXPECT_EQ(latency_disturbed_json(latency)["preempted"], 5);
}

}  // namespace
}  // namespace replay
