#include "replay/report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace replay {
namespace {

using Samples = std::vector<double>;

TEST(StatisticsTest, MedianOfOddEvenAndNone) {
  EXPECT_EQ(median(Samples{3, 1, 2}), 2);
  EXPECT_EQ(median(Samples{4, 1, 2, 3}), 2.5);
  EXPECT_TRUE(std::isnan(median(Samples{})));
  EXPECT_TRUE(std::isnan(median(Samples{1, std::nan("")})));
}

TEST(StatisticsTest, AnIntervalHoldsTheMedianAndStaysWithinTheSamples) {
  const Samples samples = {10, 11, 12, 13, 14, 15, 16};
  const auto interval = median_interval(samples);
  ASSERT_TRUE(interval);
  EXPECT_LT(interval->low, 13);
  EXPECT_GT(interval->high, 13);
  EXPECT_GE(interval->low, 10);
  EXPECT_LE(interval->high, 16);
  EXPECT_FALSE(median_interval(Samples{10, 11, 12, 13, 14}));
}

TEST(StatisticsTest, IntervalsRepeat) {
  const Samples samples = {5, 9, 2, 7, 3, 8};
  EXPECT_EQ(median_interval(samples)->low, median_interval(samples)->low);
  EXPECT_EQ(median_interval(samples)->high, median_interval(samples)->high);
}

TEST(StatisticsTest, PairsCancelADriftThatMeetsBothSides) {
  const Samples a = {20, 40, 80, 160, 320, 640};
  const Samples b = {10, 20, 40, 80, 160, 320};
  const auto interval = paired_ratio_interval(a, b);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->low, 2);
  EXPECT_DOUBLE_EQ(interval->high, 2);
}

TEST(StatisticsTest, ARangeNeedsTwoSamplesAndHoldsAll) {
  const auto range = range_interval(Samples{3, 1, 2});
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, 1);
  EXPECT_EQ(range->high, 3);
  EXPECT_FALSE(range_interval(Samples{1}));
  EXPECT_FALSE(range_interval(Samples{1, std::nan("")}));
}

TEST(StatisticsTest, ARangeOfRatiosHoldsEveryPair) {
  const auto range = range_ratio_interval(Samples{10, 12}, Samples{4, 5});
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, 2);
  EXPECT_EQ(range->high, 3);
  EXPECT_FALSE(range_ratio_interval(Samples{1, 2}, Samples{1}));
  EXPECT_FALSE(range_ratio_interval(Samples{1, 2}, Samples{0, 1}));
  EXPECT_FALSE(range_ratio_interval(Samples{-1, 2}, Samples{1, 2}));
}

TEST(StatisticsTest, NoRatioWithoutPairsOrOverZero) {
  const Samples good = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(paired_ratio_interval(good, good));
  EXPECT_FALSE(paired_ratio_interval(Samples{1, 2, 3, 4, 5}, Samples{1, 2, 3, 4, 5}));
  EXPECT_FALSE(paired_ratio_interval(good, Samples{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(paired_ratio_interval(good, Samples{0, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(paired_ratio_interval(good, Samples{1, 2, 3, 4, 5, -6}));
  EXPECT_FALSE(paired_ratio_interval(Samples{-1, 2, 3, 4, 5, 6}, good));
  EXPECT_FALSE(paired_ratio_interval(good, Samples{std::nan(""), 2, 3, 4, 5, 6}));
}

// The share of intervals that hold the true median, over simulated sets of 15 samples.
TEST(StatisticsTest, IntervalsCoverTheTruthAboutAsOftenAsTheySay) {
  std::uint64_t state = 42;
  auto uniform = [&] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  int covered = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    Samples samples;
    for (int i = 0; i < 15; ++i) samples.push_back(uniform());
    const auto interval = median_interval(samples);
    covered += interval->low <= 0.5 && 0.5 <= interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 88 / 100);
  EXPECT_LT(covered, kTrials);
}

}  // namespace
}  // namespace replay
