#include "core/mem/size_class.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

unsigned bin_of(std::size_t size) {
  return size <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(size)) : medium_bin(size);
}

TEST(SizeClass, EverySizeHasTheLowestBinThatHoldsIt) {
  for (std::size_t size = 1; size <= kMaxMediumBytes; ++size) {
    const unsigned bin = bin_of(size);
    ASSERT_LT(bin, kBins) << size;
    ASSERT_GT(bin, 0u) << size;
    ASSERT_GE(bin_bytes(bin), size);
    ASSERT_LT(bin_bytes(bin - 1), size);
  }
}

TEST(SizeClass, BinsRiseWithSizeByOne) {
  for (std::size_t size = 1; size < kMaxMediumBytes; ++size) {
    const unsigned bin = bin_of(size);
    const unsigned next = bin_of(size + 1);
    ASSERT_EQ(next, bin + (bin_bytes(bin) == size)) << size;
  }
  EXPECT_EQ(bin_of(kMaxMediumBytes), kBins - 1);
}

TEST(SizeClass, StepsAre16BytesUpTo1KiBAndAnEighthBeyond) {
  for (unsigned bin = 1; bin < kFirstMediumBin; ++bin) ASSERT_EQ(bin_bytes(bin), 16 * bin);
  for (unsigned bin = kFirstMediumBin; bin < kBins; ++bin) {
    const std::size_t below = bin_bytes(bin - 1);
    const std::size_t step = bin_bytes(bin) - below;
    ASSERT_LE(step * 8, below) << bin;
    ASSERT_GT(step * 16, below) << bin;
    ASSERT_EQ(bin_bytes(bin) % kStepBytes, 0u);
  }
}

TEST(SizeClass, ItsEdgesAreWhereTheyAreSaidToBe) {
  EXPECT_EQ(small_bin(0), 0u);
  EXPECT_EQ(small_bin(1), 1u);
  EXPECT_EQ(small_bin(16), 1u);
  EXPECT_EQ(small_bin(17), 2u);
  EXPECT_EQ(small_bin(1024), 64u);
  EXPECT_EQ(medium_bin(1025), 65u);
  EXPECT_EQ(medium_bin(1152), 65u);
  EXPECT_EQ(medium_bin(1153), 66u);
  EXPECT_EQ(medium_bin(2048), 72u);
  EXPECT_EQ(medium_bin(2049), 73u);
  EXPECT_EQ(medium_bin(32768), 104u);
  EXPECT_EQ(bin_bytes(104), 32768u);
}

}  // namespace
}  // namespace mem
