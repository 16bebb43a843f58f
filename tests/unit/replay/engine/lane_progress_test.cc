#include "replay/engine/lane_progress.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace replay {
namespace {

TEST(LaneProgressTest, WhatIsReachedIsAllThatWasToldAndLess) {
  std::uint64_t reached = 0;
  EXPECT_TRUE(has_reached(reached, 0));
  EXPECT_FALSE(has_reached(reached, 1));
  publish(reached, 10);
  EXPECT_TRUE(has_reached(reached, 10));
  EXPECT_FALSE(has_reached(reached, 11));
}

TEST(LaneProgressTest, SomebodyAsleepDoesNotCountAsProgress) {
  std::uint64_t reached = 10U << 1 | kSleepers;
  EXPECT_TRUE(has_reached(reached, 10));
  EXPECT_FALSE(has_reached(reached, 11));
}

// Each thread waits for the one before it, awake or asleep, and sees what that one wrote.
TEST(LaneProgressTest, WaitersWakeUpAndSeeWhatWasWritten) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kRounds = 500;
  for (const unsigned spins : {0U, 100U}) {
    std::uint64_t reached[kThreads] = {};
    std::uint64_t written = 0;  // by one thread at a time, or the sanitizers complain
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (std::uint64_t round = 1; round <= kRounds; ++round) {
          std::uint64_t& before = reached[(i + kThreads - 1) % kThreads];
          const std::uint64_t wanted = i == 0 ? round - 1 : round;
          if (!has_reached(before, wanted)) await(before, wanted, spins);
          ++written;
          publish(reached[i], round);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(written, kThreads * kRounds);
  }
}

}  // namespace
}  // namespace replay
