#include "core/base/bits.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

TEST(Bits, AlignsUpAndDown) {
  EXPECT_EQ(align_up(0, 16), 0u);
  EXPECT_EQ(align_up(1, 16), 16u);
  EXPECT_EQ(align_up(16, 16), 16u);
  EXPECT_EQ(align_up(17, 8), 24u);
  EXPECT_EQ(align_down(31, 16), 16u);
  EXPECT_EQ(align_down(32, 16), 32u);
  EXPECT_TRUE(is_aligned(4096, 4096));
  EXPECT_FALSE(is_aligned(4097, 2));
}

TEST(Bits, TellsPowersOfTwo) {
  EXPECT_FALSE(is_pow2(0));
  EXPECT_TRUE(is_pow2(1));
  EXPECT_FALSE(is_pow2(24));
  EXPECT_TRUE(is_pow2(std::size_t{1} << 63));
}

TEST(Bits, ChecksOverflow) {
  std::size_t result = 0;
  EXPECT_TRUE(checked_add(SIZE_MAX - 1, 1, &result));
  EXPECT_EQ(result, SIZE_MAX);
  EXPECT_FALSE(checked_add(SIZE_MAX, 1, &result));
  EXPECT_TRUE(checked_mul(std::size_t{1} << 32, std::size_t{1} << 31, &result));
  EXPECT_EQ(result, std::size_t{1} << 63);
  EXPECT_FALSE(checked_mul(std::size_t{1} << 32, std::size_t{1} << 32, &result));
}

TEST(Bits, VisitsEachBitOfARangeOnce) {
  for (std::size_t first : {0, 1, 63, 64, 100, 128}) {
    for (std::size_t count : {1, 2, 28, 63, 64, 65, 128, 200}) {
      std::uint64_t words[6] = {};
      EXPECT_TRUE(for_each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
        EXPECT_EQ(words[word], 0u);
        EXPECT_NE(mask, 0u);
        words[word] = mask;
        return true;
      }));
      for (std::size_t bit = 0; bit < 64 * 6; ++bit) {
        ASSERT_EQ(words[bit / 64] >> (bit % 64) & 1, bit >= first && bit < first + count ? 1u : 0u)
            << first << " " << count << " " << bit;
      }
    }
  }
}

TEST(Bits, LeavesARangeAtTheFirstNo) {
  int visits = 0;
  EXPECT_FALSE(for_each_word(10, 200, [&](std::size_t word, std::uint64_t) {
    ++visits;
    return word != 1;
  }));
  EXPECT_EQ(visits, 2);
  EXPECT_TRUE(for_each_word(10, 0, [](std::size_t, std::uint64_t) { return false; }));
}

TEST(Bits, FindsTheHighestBit) {
  EXPECT_EQ(floor_log2(1), 0u);
  EXPECT_EQ(floor_log2(1023), 9u);
  EXPECT_EQ(floor_log2(1024), 10u);
}

}  // namespace
}  // namespace mem
