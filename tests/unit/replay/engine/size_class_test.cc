#include "replay/engine/size_class.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(SizeClassTest, EachClassHoldsItsLimitAndNotOneMore) {
  EXPECT_EQ(size_class_of(0), 0U);
  EXPECT_EQ(size_class_of(1), 0U);
  for (unsigned i = 0; i + 1 < kSizeClassCount; ++i) {
    EXPECT_EQ(size_class_of(size_class_limit(i)), i);
    EXPECT_EQ(size_class_of(size_class_limit(i) + 1), i + 1);
  }
  EXPECT_EQ(size_class_limit(1), 16U);
  EXPECT_EQ(size_class_of(UINT64_MAX), kSizeClassCount - 1);
}

}  // namespace
}  // namespace replay
