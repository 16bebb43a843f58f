#include "replay/floor/lives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace replay {
namespace {

TEST(LivesTest, SizesAreGranulesAndNothingTakesOne) {
  EXPECT_EQ(granules_of(0), 1U);
  EXPECT_EQ(granules_of(1), 1U);
  EXPECT_EQ(granules_of(16), 1U);
  EXPECT_EQ(granules_of(17), 2U);
  EXPECT_EQ(granules_of(kMostLiveBytes), kMostLiveBytes / 16);
}

TEST(LivesTest, KnowsTheMomentOfMostLoad) {
  Lives lives;
  const std::uint32_t a = lives.begin(100, 0);  // 7 granules
  const std::uint32_t b = lives.begin(16, 12);
  lives.end(a);
  const std::uint32_t c = lives.begin(112, 0);  // as much again, not more
  EXPECT_EQ(lives.count(), 3U);
  EXPECT_EQ(lives.load(), 8U);
  EXPECT_EQ(lives.peak_step(), 2U);
  EXPECT_EQ(lives[a].size(), 7U);
  EXPECT_EQ(lives[b].align_log2(), 8U);
  EXPECT_EQ(lives[c].align_log2(), 0U);
  EXPECT_EQ(lives.begin_of(c), 3U);
  EXPECT_EQ(lives.end_of(a), 2U);
  EXPECT_EQ(lives.end_of(b), Lives::kNever);
  ASSERT_EQ(lives.steps().size(), 4U);
  EXPECT_EQ(lives.steps()[2].life(), a);
  EXPECT_FALSE(lives.steps()[2].begins());
  EXPECT_TRUE(lives.steps()[3].begins());
}

TEST(LivesTest, RefusesMoreThanAnAddressSpaceHolds) {
  Lives lives;
  lives.begin(kMostLiveBytes, 0);
  EXPECT_THAT(test::error_of([&] { lives.begin(1, 0); }), testing::HasSubstr("address space"));
}

}  // namespace
}  // namespace replay
