#include "replay/report/footprint_floor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(FootprintFloorTest, IsThePagesOfTheMostLiveBytes) {
  Plan plan = test::made_plan();
  EXPECT_EQ(floor_pages(plan, Touch::kPage), 2U);
  EXPECT_EQ(floor_pages(plan, Touch::kAll), 2U);
  plan.checkpoints[plan.peak_live].live_bytes = 8193;
  EXPECT_EQ(floor_pages(plan, Touch::kPage), 3U);
}

TEST(FootprintFloorTest, IsNotKnownWhereNotAllIsTouched) {
  const Plan plan = test::made_plan();
  EXPECT_EQ(floor_pages(plan, Touch::kNone), std::nullopt);
  EXPECT_EQ(floor_pages(plan, Touch::kRecorded), std::nullopt);
}

TEST(FootprintFloorTest, MultiplesAreOfPagesAlone) {
  EXPECT_EQ(of_floor(6, "pages", Better::kLower, 4), 1.5);
  EXPECT_EQ(of_floor(6, "B", Better::kLower, 4), std::nullopt);
  EXPECT_EQ(of_floor(6, "pages", Better::kNone, 4), std::nullopt);
  EXPECT_EQ(of_floor(6, "pages", Better::kLower, std::nullopt), std::nullopt);
  EXPECT_EQ(of_floor(6, "pages", Better::kLower, 0), std::nullopt);
}

TEST(FootprintFloorTest, TextKeepsThreeDecimals) {
  EXPECT_EQ(of_floor_text(1.5), "1.500 x");
  EXPECT_EQ(of_floor_text(std::nan("")), "-");
  EXPECT_EQ(of_floor_text(std::nullopt), "-");
}

}  // namespace
}  // namespace replay
