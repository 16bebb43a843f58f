#include "replay/engine/latency_detail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace replay {
namespace {

TEST(LongCallsTest, KeepTheLongestWhateverTheOrder) {
  LongCalls longest{};
  constexpr std::uint64_t kCalls = 1000;
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    const std::uint64_t ticks = i * 7919 % kCalls;  // each number below kCalls once
    if (longest.takes(ticks))
      longest.add({ticks, i, 0, Op::kMalloc, false, Disturbance::kNone, 0, 0});
  }
  EXPECT_EQ(longest.count, LongCalls::kMost);
  for (const LongCall& call : longest.calls) {
    EXPECT_GE(call.ticks, kCalls - LongCalls::kMost);
    EXPECT_EQ(call.ticks, call.event * 7919 % kCalls);
  }
}

TEST(LongCallsTest, FewerThanTheMostAreAllKept) {
  LongCalls longest{};
  EXPECT_TRUE(longest.takes(0));
  longest.add({});
  EXPECT_EQ(longest.count, 1U);
}

}  // namespace
}  // namespace replay
