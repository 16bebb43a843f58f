#include "replay/floor/strip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "replay/floor/lives.h"
#include "tests/support/error_of.h"

namespace replay {
namespace {

TEST(StripTest, TakesTheBestFitAndTheLowestOfThem) {
  Strip strip(GapEnds::kLow);
  std::vector<std::uint64_t> at;
  for (const std::uint64_t size : {4U, 1U, 2U, 1U, 3U, 1U, 2U, 1U}) {
    at.push_back(strip.take(size, 0, 0));
  }
  EXPECT_EQ(at, (std::vector<std::uint64_t>{0, 4, 5, 7, 8, 11, 12, 14}));
  for (const auto& [address, size] : {std::pair{0U, 4U}, {5U, 2U}, {8U, 3U}, {12U, 2U}}) {
    strip.give_back(address, size);
  }
  EXPECT_EQ(strip.take(2, 0, 0), 5U);
  EXPECT_EQ(strip.take(1, 0, 0), 12U);
  EXPECT_EQ(strip.take(4, 0, 0), 0U);
  EXPECT_EQ(strip.take(4, 0, 0), 15U);
  EXPECT_EQ(strip.top(), 19U);
}

TEST(StripTest, GapsThatMeetAreOneAndTheLastGrowsUpwards) {
  Strip strip(GapEnds::kLow);
  for (int i = 0; i < 4; ++i) strip.take(2, 0, 0);
  strip.give_back(0, 2);
  strip.give_back(4, 2);
  strip.give_back(2, 2);
  EXPECT_EQ(strip.take(6, 0, 0), 0U);
  strip.give_back(6, 2);
  EXPECT_EQ(strip.take(5, 0, 0), 6U);
  EXPECT_EQ(strip.top(), 11U);
}

TEST(StripTest, KeepsAlignmentsAlsoWhereManyGapsLieWrong) {
  Strip strip(GapEnds::kLow);
  std::vector<std::uint64_t> odd;
  for (int i = 0; i < 20; ++i) {
    strip.take(5, 0, 0);
    odd.push_back(strip.take(3, 0, 0));
  }
  for (const std::uint64_t address : odd) strip.give_back(address, 3);
  EXPECT_EQ(strip.take(3, 4, 0), 160U) << "each gap of 3 begins at 5 modulo 8";
  EXPECT_EQ(strip.take(3, 5, 0), 192U);
}

TEST(StripTest, OfBothEndsTheHighOneGoesToWhoLeavesBeforeItsNeighbour) {
  Strip strip(GapEnds::kBoth);
  strip.take(2, 0, 100);
  const std::uint64_t gap = strip.take(10, 0, 50);
  strip.take(1, 0, 50);
  strip.give_back(gap, 10);
  EXPECT_EQ(strip.take(3, 0, 99), 9U);
  EXPECT_EQ(strip.take(3, 0, 100), 2U);
  strip.reschedule(5, 98);
  EXPECT_EQ(strip.take(1, 0, 98), 5U);
}

TEST(StripTest, RefusesAddressesBeyondAllAddressSpaces) {
  Strip strip(GapEnds::kLow);
  strip.take(kMostLiveBytes / kGranuleBytes, 0, 0);
  EXPECT_THAT(test::error_of([&] { strip.take(1, 0, 0); }), testing::HasSubstr("address space"));
}

// Random use against a map of granules.
TEST(StripTest, NothingIsTakenTwice) {
  for (const GapEnds ends : {GapEnds::kLow, GapEnds::kBoth}) {
    Strip strip(ends);
    std::mt19937 random(7);
    std::vector<bool> taken(1 << 16);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> live;
    for (int i = 0; i < 3000; ++i) {
      if (live.size() > 60 || (!live.empty() && random() % 5 < 2)) {
        const std::size_t victim = random() % live.size();
        const auto [address, size] = live[victim];
        strip.give_back(address, size);
        for (std::uint64_t j = 0; j < size; ++j) taken[address + j] = false;
        live[victim] = live.back();
        live.pop_back();
      } else {
        const std::uint64_t size = 1 + random() % 20;
        const unsigned align_log2 = random() % 4 == 0 ? static_cast<unsigned>(random() % 5) : 0;
        const std::uint64_t address =
            strip.take(size, align_log2, static_cast<std::uint32_t>(random() % 1000));
        ASSERT_EQ(address % (1U << align_log2), 0U);
        ASSERT_LE(address + size, strip.top());
        for (std::uint64_t j = 0; j < size; ++j) {
          ASSERT_FALSE(taken[address + j]);
          taken[address + j] = true;
        }
        live.emplace_back(address, size);
      }
    }
  }
}

}  // namespace
}  // namespace replay
