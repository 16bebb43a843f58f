#include "replay/report/rank_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace replay {
namespace {

using Samples = std::vector<double>;

TEST(SignedRankTest, AgreesWithThePublishedTable) {
  // n = 8: W+ = 33 or more has probability 5 / 256 (Wilcoxon's table: 3 or less on the other side).
  const RankTest test = signed_rank_test(Samples{8, 7, 6, 5, 4, -3, 2, 1});
  EXPECT_DOUBLE_EQ(test.p_greater, 5.0 / 256);
  EXPECT_DOUBLE_EQ(test.p_two_sided(), 10.0 / 256);
  EXPECT_DOUBLE_EQ(test.p_least, 2.0 / 256);
  EXPECT_DOUBLE_EQ(signed_rank_test(Samples{-8, -7, -6, -5, -4, 3, -2, -1}).p_less, 5.0 / 256);
}

TEST(SignedRankTest, TiesAndZerosAreExact) {
  // All sizes alike: the binomial distribution. One of five coins shows tails.
  EXPECT_DOUBLE_EQ(signed_rank_test(Samples{2, 2, 2, 2, -2}).p_greater, 6.0 / 32);
  EXPECT_DOUBLE_EQ(signed_rank_test(Samples{0, 2, 0, 2, 2, 2, -2}).p_greater, 6.0 / 32);
  const RankTest nothing = signed_rank_test(Samples{0, 0, 0});
  EXPECT_EQ(nothing.p_greater, 1);
  EXPECT_EQ(nothing.p_least, 1);
  EXPECT_EQ(signed_rank_test(Samples{}).p_two_sided(), 1);
}

TEST(SignedRankTest, TheNormalLimitMeetsTheExactDistribution) {
  Samples exact;
  for (std::size_t i = 1; i <= kExactPairs; ++i) {
    exact.push_back(i % 3 == 0 ? -static_cast<double>(i) : static_cast<double>(i) / 2);
  }
  Samples limit = exact;
  limit.push_back(0.25);
  EXPECT_NEAR(signed_rank_test(exact).p_greater, signed_rank_test(limit).p_greater, 0.01);
  EXPECT_NEAR(signed_rank_test(exact).p_less, signed_rank_test(limit).p_less, 0.01);
}

TEST(RankSumTest, AgreesWithThePublishedTable) {
  // 4 against 4, U = 1: 2 of the 70 splits are as extreme (Mann and Whitney's table: 0.029).
  const RankTest test = rank_sum_test(Samples{4, 6, 7, 8}, Samples{1, 2, 3, 5});
  EXPECT_NEAR(test.p_greater, 2.0 / 70, 1e-12);
  EXPECT_NEAR(test.p_least, 2.0 / 70, 1e-12);
  EXPECT_NEAR(rank_sum_test(Samples{1, 2, 3, 5}, Samples{4, 6, 7, 8}).p_less, 2.0 / 70, 1e-12);
}

TEST(RankSumTest, TiesAreExactAndSetsMayDifferInSize) {
  // {1, 1} of {1, 1, 2, 2, 2}: one of ten choices, up to the ties.
  EXPECT_NEAR(rank_sum_test(Samples{1, 1}, Samples{2, 2, 2}).p_less, 0.1, 1e-12);
  EXPECT_EQ(rank_sum_test(Samples{3, 3}, Samples{3, 3, 3}).p_two_sided(), 1);
  EXPECT_EQ(rank_sum_test(Samples{}, Samples{3}).p_two_sided(), 1);
}

TEST(RankSumTest, TheNormalLimitMeetsTheExactDistribution) {
  Samples a;
  Samples b;
  for (std::size_t i = 0; i < kExactPooled / 2; ++i) {
    a.push_back(static_cast<double>(i % 7) + 0.6);
    b.push_back(static_cast<double>(i % 8));
  }
  Samples more = b;
  more.push_back(3);
  EXPECT_NEAR(rank_sum_test(a, b).p_less, rank_sum_test(a, more).p_less, 0.02);
  EXPECT_NEAR(rank_sum_test(a, b).p_greater, rank_sum_test(a, more).p_greater, 0.02);
}

TEST(ShiftTest, OneOutlierMovesItLittle) {
  EXPECT_DOUBLE_EQ(signed_rank_shift(Samples{1, 2, 3}), 2);
  EXPECT_DOUBLE_EQ(signed_rank_shift(Samples{1, 2, 3, 4, 5000}), 3);
  EXPECT_DOUBLE_EQ(rank_sum_shift(Samples{11, 12, 1300}, Samples{1, 2, 3}), 10);
  EXPECT_TRUE(std::isnan(signed_rank_shift(Samples{})));
}

}  // namespace
}  // namespace replay
