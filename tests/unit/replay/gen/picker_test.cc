#include "replay/gen/picker.h"

#include <gtest/gtest.h>

namespace replay::gen {
namespace {

TEST(PickerTest, PicksByWeight) {
  const Picker picker({1, 0, 7, 2});
  Random random(1);
  std::vector<int> counts(4);
  for (int i = 0; i < 100000; ++i) ++counts[picker.pick(random)];
  EXPECT_NEAR(counts[0], 10000, 500);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 70000, 900);
  EXPECT_NEAR(counts[3], 20000, 700);
}

TEST(PickerTest, OneWeightIsAlwaysPicked) {
  const Picker picker({3});
  Random random(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(picker.pick(random), 0U);
}

}  // namespace
}  // namespace replay::gen
