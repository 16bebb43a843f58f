#include "replay/gen/distribution.h"

#include <gtest/gtest.h>

namespace replay::gen {
namespace {

TEST(DistributionTest, FixedIsAlwaysTheSame) {
  Random random(1);
  const auto distribution = Distribution::parse("64");
  ASSERT_TRUE(distribution);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(distribution->draw(random), 64U);
}

TEST(DistributionTest, RangesKeepToTheirEnds) {
  Random random(1);
  for (const char* text : {"uniform:10:20", "log:10:20"}) {
    const auto distribution = Distribution::parse(text);
    ASSERT_TRUE(distribution) << text;
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t value = distribution->draw(random);
      EXPECT_TRUE(value >= 10 && value <= 20) << text << ": " << value;
    }
  }
}

TEST(DistributionTest, MixDrawsItsPartsByWeight) {
  Random random(1);
  const auto distribution = Distribution::parse("mix:64=3,uniform:1Ki:2Ki=1");
  ASSERT_TRUE(distribution);
  int small = 0;
  for (int i = 0; i < 10000; ++i) small += distribution->draw(random) == 64 ? 1 : 0;
  EXPECT_NEAR(small, 7500, 200);
}

TEST(DistributionTest, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"", "0", "x", "uniform", "uniform:5", "uniform:9:5", "log:0:5", "exp:", "exp:0",
        "mix:", "mix:5", "mix:5=0", "mix:5=x", "gauss:1:2", "2000Gi", "uniform:1:2:3"}) {
    EXPECT_FALSE(Distribution::parse(text)) << text;
  }
}

}  // namespace
}  // namespace replay::gen
