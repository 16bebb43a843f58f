#include "replay/report/family.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(FamilyTest, HolmStepsDown) {
  const std::vector<FamilyMember> members = {{0.01, 0.001}, {0.04, 0.001}, {0.02, 0.001}};
  const std::vector<double> adjusted = adjust_family(members, 0.05);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.03);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
}

TEST(FamilyTest, ALargePNeverBecomesSmallerThanAnEarlierOne) {
  const std::vector<double> adjusted =
      adjust_family(std::vector<FamilyMember>{{0.02, 0}, {0.021, 0}, {0.9, 0}}, 0.05);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[1], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.9);
}

TEST(FamilyTest, WhatCouldNotBeSignificantIsNotCounted) {
  const std::vector<FamilyMember> members = {{0.03, 0.001}, {1, 1}, {1, 1}, {1, 0.04}};
  const std::vector<double> adjusted = adjust_family(members, 0.05);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.03);
  EXPECT_EQ(adjusted[1], 1);
  EXPECT_EQ(adjusted[3], 1);
}

TEST(FamilyTest, NoneIsNone) { EXPECT_TRUE(adjust_family({}, 0.05).empty()); }

}  // namespace
}  // namespace replay
