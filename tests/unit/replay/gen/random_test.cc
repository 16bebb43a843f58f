#include "replay/gen/random.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace replay::gen {
namespace {

// The reference implementations' first numbers, seeded with splitmix64 from 0.
TEST(RandomTest, IsXoshiro256StarStar) {
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452aU);
}

TEST(RandomTest, BelowIsEven) {
  Random random(1);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(RandomTest, BetweenHasBothEnds) {
  Random random(2);
  bool least = false;
  bool greatest = false;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random.between(5, 8);
    ASSERT_TRUE(value >= 5 && value <= 8);
    least |= value == 5;
    greatest |= value == 8;
  }
  EXPECT_TRUE(least && greatest);
}

TEST(RandomTest, CertainChancesDrawNothing) {
  Random random(3);
  Random other(3);
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(kWhole));
  EXPECT_EQ(random.next(), other.next());
}

TEST(RandomTest, ExponentialHasItsMeanAndTail) {
  Random random(4);
  double sum = 0;
  int beyond = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = random.exponential(1000);
    ASSERT_GE(value, 1U);
    sum += static_cast<double>(value);
    if (value > 2303) ++beyond;  // 1000 ln 10
  }
  EXPECT_NEAR(sum / kDraws, 1000, 15);
  EXPECT_NEAR(beyond, kDraws / 10, 500);
}

TEST(RandomTest, LogUniformGivesEachDoublingTheSame) {
  Random random(5);
  std::vector<int> doublings(8);
  for (int i = 0; i < 80000; ++i) {
    const std::uint64_t value = random.log_uniform(256, 65535);
    ASSERT_TRUE(value >= 256 && value <= 65535);
    ++doublings[static_cast<std::size_t>(std::bit_width(value)) - 9];
  }
  for (const int count : doublings) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace replay::gen
