#include "replay/trace/tools/renumber.h"

#include <gtest/gtest.h>

#include "tests/support/events.h"

namespace replay {
namespace {

using test::free_of;
using test::malloc_of;
using test::realloc_of;

TEST(RenumberTest, ObjectsAndThreadsAreNumberedAsTheyAppear) {
  NextNumbers next;
  Renumbering numbers(&next);
  Event birth = malloc_of(17, 8);
  birth.thread = 4;
  EXPECT_TRUE(numbers.apply(&birth));
  EXPECT_EQ(birth.object, 0U);
  EXPECT_EQ(birth.thread, 0U);
  Event second = malloc_of(20, 8);
  second.thread = 0;
  EXPECT_TRUE(numbers.apply(&second));
  EXPECT_EQ(second.object, 1U);
  EXPECT_EQ(second.thread, 1U);
  Event resize = realloc_of(17, 9);
  resize.thread = 4;
  EXPECT_TRUE(numbers.apply(&resize));
  EXPECT_EQ(resize.object, 0U);
  EXPECT_EQ(resize.thread, 0U);
  EXPECT_EQ(next.object, 2U);
  EXPECT_EQ(next.thread, 2U);
}

TEST(RenumberTest, WhatIsNotLiveIsRefusedAndChangesNothing) {
  NextNumbers next;
  Renumbering numbers(&next);
  Event unknown = free_of(3);
  unknown.thread = 9;
  EXPECT_FALSE(numbers.apply(&unknown));
  EXPECT_EQ(next.thread, 0U);
  Event birth = malloc_of(3, 8);
  Event end = free_of(3);
  Event again = free_of(3);
  EXPECT_TRUE(numbers.apply(&birth));
  EXPECT_TRUE(numbers.apply(&end));
  EXPECT_FALSE(numbers.apply(&again));
}

TEST(RenumberTest, SourcesShareTheNumbersAndNothingElse) {
  NextNumbers next;
  Renumbering a(&next);
  Renumbering b(&next);
  Event of_a = malloc_of(0, 8);
  Event of_b = malloc_of(0, 8);
  EXPECT_TRUE(a.apply(&of_a));
  EXPECT_TRUE(b.apply(&of_b));
  EXPECT_EQ(of_b.object, 1U);
  EXPECT_EQ(of_b.thread, 1U);
  Event end = free_of(0);
  EXPECT_TRUE(a.apply(&end));
  EXPECT_EQ(end.object, 0U);
}

}  // namespace
}  // namespace replay
