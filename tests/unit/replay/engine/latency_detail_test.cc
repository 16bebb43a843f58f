#include "replay/engine/latency_detail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace replay {
namespace {

TEST(LongCallsTest, KeepTheLongestWhateverTheOrder) {
  LongCalls longest{};
  constexpr std::uint64_t kCalls = 1000;
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    const std::uint64_t ticks = i * 7919 % kCalls;  // each number below kCalls once
    if (longest.takes(ticks, Disturbance::kNone))
      longest.add({ticks, i, 0, Op::kMalloc, false, Disturbance::kNone, 0, 0});
  }
  EXPECT_EQ(longest.count, LongCalls::kMost);
  for (const LongCall& call : longest.calls) {
    EXPECT_GE(call.ticks, kCalls - LongCalls::kMost);
    EXPECT_EQ(call.ticks, call.event * 7919 % kCalls);
  }
}

TEST(LongCallsTest, DisturbedOnesGiveWayHoweverLong) {
  LongCalls longest{};
  const auto offer = [&](std::uint64_t ticks, Disturbance disturbance) {
    if (!longest.takes(ticks, disturbance)) return;
    longest.add({ticks, 0, 0, Op::kMalloc, false, disturbance, 0, 0});
  };
  for (std::uint64_t i = 0; i < 1000; ++i) {
    offer(1'000'000 + i, Disturbance::kPreempted);
    if (i % 20 == 0) offer(i, Disturbance::kNone);
  }
  const auto clean =
      std::count_if(std::begin(longest.calls), std::end(longest.calls),
                    [](const LongCall& call) { return call.disturbance == Disturbance::kNone; });
  EXPECT_EQ(clean, 50);
  for (const LongCall& call : longest.calls) {
    if (call.disturbance != Disturbance::kNone) {
      EXPECT_GE(call.ticks, 1'000'000U + 1000 - (LongCalls::kMost - 50));
    }
  }
}

TEST(LongCallsTest, FewerThanTheMostAreAllKept) {
  LongCalls longest{};
  EXPECT_TRUE(longest.takes(0, Disturbance::kPreempted));
  longest.add({});
  EXPECT_EQ(longest.count, 1U);
}

}  // namespace
}  // namespace replay
