#include "replay/engine/thread_lives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

ThreadLives lives_of(std::vector<ThreadLife> threads) {
  ThreadLives lives{std::move(threads), 0};
  assign_lanes(lives);
  return lives;
}

TEST(ThreadLivesTest, ThreadsThatOverlapHaveLanesOfTheirOwn) {
  const ThreadLives lives = lives_of({{0, 100}, {10, 20}, {20, 30}, {15, 25}});
  EXPECT_EQ(lives.lane_count, 4U);
}

TEST(ThreadLivesTest, TheLaneThatHasBeenEmptyLongestIsTakenFirst) {
  const ThreadLives lives = lives_of({{0, 1}, {2, 5}, {3, 4}, {10, 11}, {12, 13}});
  EXPECT_EQ(lives.lane_count, 3U);
  EXPECT_EQ(lives.threads[3].lane, lives.threads[2].lane);
  EXPECT_EQ(lives.threads[4].lane, lives.threads[1].lane);
}

TEST(ThreadLivesTest, TheFirstLaneIsNeverShared) {
  const ThreadLives lives = lives_of({{0, 0}, {5, 6}});
  EXPECT_EQ(lives.threads[1].lane, 1U);
  EXPECT_EQ(lives.lane_count, 2U);
}

class ReadLivesTest : public ::testing::Test {
 protected:
  ThreadLives find(std::uint64_t end, std::uint32_t workers) {
    std::vector<Event> events;
    const std::uint32_t threads[] = {0, 1, 2, 1, 0, 3};
    for (const std::uint32_t thread : threads) {
      events.push_back(malloc_of(events.size(), 8));
      events.back().thread = thread;
    }
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    ThreadLives lives = find_thread_lives(reader, end, {workers});
    EXPECT_EQ(read_all(reader), events) << "the reader does not stand at the start";
    return lives;
  }
  TempFolder dir_;
};

TEST_F(ReadLivesTest, FromTheFirstToTheLastEvent) {
  const ThreadLives lives = find(UINT64_MAX, ThreadChoice::kAsRecorded);
  ASSERT_EQ(lives.threads.size(), 4U);
  EXPECT_EQ(lives.threads[1].first_event, 1U);
  EXPECT_EQ(lives.threads[1].last_event, 3U);
  EXPECT_EQ(lives.threads[3].last_event, 5U);
  EXPECT_EQ(lives.lane_count, 3U);
}

TEST_F(ReadLivesTest, WhatComesAfterTheEndIsNotSeen) {
  const ThreadLives lives = find(3, ThreadChoice::kAsRecorded);
  ASSERT_EQ(lives.threads.size(), 3U);
  EXPECT_EQ(lives.threads[1].last_event, 1U);
}

TEST_F(ReadLivesTest, WorkersTakeThreadsInTurn) {
  const ThreadLives lives = find(UINT64_MAX, 2);
  ASSERT_EQ(lives.threads.size(), 2U);
  EXPECT_EQ(lives.threads[1].first_event, 1U);
  EXPECT_EQ(lives.threads[1].last_event, 5U);
}

TEST_F(ReadLivesTest, MoreThreadsAtOnceThanCanBeReplayedAreAnError) {
  const auto lanes_for = [&](std::uint32_t threads) {
    std::vector<Event> events;
    for (std::uint32_t i = 0; i < 2 * threads; ++i) {
      events.push_back(malloc_of(i, 8));
      events.back().thread = i % threads;
    }
    TraceReader reader(write_trace(dir_ / std::to_string(threads), events));
    return find_thread_lives(reader, UINT64_MAX, {ThreadChoice::kAsRecorded}).lane_count;
  };
  EXPECT_EQ(lanes_for(1024), 1024U);
  EXPECT_THAT(test::error_of([&] { lanes_for(1025); }),
              testing::HasSubstr("1025: 1025 threads are alive at once, 1024 can be replayed"));
}

TEST_F(ReadLivesTest, OneThreadNeedsNoReading) { EXPECT_EQ(find(UINT64_MAX, 1).lane_count, 1U); }

}  // namespace
}  // namespace replay
