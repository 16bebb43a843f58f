#include "replay/report/looks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace replay {
namespace {

TEST(LooksTest, AscendToTheLastAndSpendAllOfIt) {
  for (const int most : {1, 5, 6, 7, 30, 1000}) {
    const std::vector<Look> looks = plan_looks(most, 40, 0.05);
    double total = 0;
    int before = 0;
    for (const Look& look : looks) {
      EXPECT_GT(look.repetitions, before);
      EXPECT_GT(look.weight, 0);
      before = look.repetitions;
      total += look.weight;
    }
    EXPECT_EQ(before, most);
    EXPECT_NEAR(total, 1, 1e-12);
  }
}

TEST(LooksTest, TheFirstIsTheEarliestThatCouldTell) {
  const auto least = [](int n) { return std::exp2(1 - n); };
  for (const std::size_t metrics : {1U, 5U, 40U}) {
    const Look first = plan_looks(30, metrics, 0.05).front();
    EXPECT_LE(least(first.repetitions) * static_cast<double>(metrics), 0.05 * first.weight);
    EXPECT_GE(first.repetitions, 6);
  }
  EXPECT_EQ(plan_looks(30, 1, 0.05).front().repetitions, 7);
  EXPECT_EQ(plan_looks(30, 40, 0.05).front().repetitions, 12);
}

}  // namespace
}  // namespace replay
