#include "replay/engine/happens_before.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(HappensBeforeTest, ALaneKnowsItselfAndNobodyElse) {
  const HappensBefore order(2);
  EXPECT_TRUE(order.knows(0, 0, 1000));
  EXPECT_TRUE(order.knows(0, 1, 0));
  EXPECT_FALSE(order.knows(0, 1, 1));
}

TEST(HappensBeforeTest, AWaitImpliesAllThatCameBefore) {
  HappensBefore order(2);
  order.learn(0, 5, 1, 10);
  EXPECT_TRUE(order.knows(0, 1, 9));
  EXPECT_TRUE(order.knows(0, 1, 10));
  EXPECT_FALSE(order.knows(0, 1, 11));
  EXPECT_FALSE(order.knows(1, 0, 1));
}

TEST(HappensBeforeTest, AWaitImpliesWhatTheOtherHadWaitedFor) {
  HappensBefore order(3);
  order.learn(1, 4, 2, 7);
  order.learn(0, 1, 1, 6);
  EXPECT_TRUE(order.knows(0, 2, 7));
}

TEST(HappensBeforeTest, ButNotWhatItWaitedForLater) {
  HappensBefore order(3);
  order.learn(1, 4, 2, 7);
  order.learn(1, 6, 2, 20);
  order.learn(0, 1, 1, 5);  // behind the first wait, before the second
  EXPECT_TRUE(order.knows(0, 2, 7));
  EXPECT_FALSE(order.knows(0, 2, 8));
}

TEST(HappensBeforeTest, WhatIsTooLongAgoIsForgottenNotInvented) {
  HappensBefore order(3);
  for (std::uint64_t i = 1; i <= 1000; ++i) order.learn(1, 10 * i, 2, i);
  order.learn(0, 1, 1, 15);  // behind the first of a thousand waits
  EXPECT_FALSE(order.knows(0, 2, 2));
  order.learn(0, 2, 1, 10'005);
  EXPECT_TRUE(order.knows(0, 2, 1000));
}

TEST(HappensBeforeTest, ManyLanesKeepTheirOrder) {
  HappensBefore order(1024);
  order.learn(1000, 3, 5, 9);
  order.learn(7, 1, 1000, 4);
  EXPECT_TRUE(order.knows(7, 5, 9));
  EXPECT_FALSE(order.knows(7, 5, 10));
}

}  // namespace
}  // namespace replay
