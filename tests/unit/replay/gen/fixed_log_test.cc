#include "replay/gen/fixed_log.h"

#include <gtest/gtest.h>

#include <cmath>

namespace replay::gen {
namespace {

constexpr double kOne = 4294967296.0;

TEST(FixedLogTest, Log2IsThatOfTheMathLibraryToTwentyBits) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62); value += value / 3 + 1) {
    const double expected = std::log2(static_cast<double>(value));
    EXPECT_NEAR(static_cast<double>(log2_q32(value)) / kOne, expected, 1e-6) << value;
  }
}

TEST(FixedLogTest, PowersOfTwoAreExact) {
  for (int i = 0; i < 63; ++i) {
    const auto exponent = static_cast<std::uint64_t>(i) << 32;
    EXPECT_EQ(log2_q32(std::uint64_t{1} << i), exponent);
    EXPECT_EQ(exp2_q32(exponent), std::uint64_t{1} << i);
  }
}

TEST(FixedLogTest, Exp2UndoesLog2) {
  for (std::uint64_t value = 1000; value < (std::uint64_t{1} << 50); value += value / 7) {
    const auto back = static_cast<double>(exp2_q32(log2_q32(value)));
    EXPECT_NEAR(back / static_cast<double>(value), 1, 2e-3 / 1000 + 1.0 / 1000) << value;
  }
}

TEST(FixedLogTest, WorksWhenCompiling) {
  static_assert(log2_q32(3) >> 22 == 1623);                  // 1.58496 * 1024
  static_assert(exp2_q32(std::uint64_t{21} << 31) == 1448);  // 2^10.5 = 1448.15
}

}  // namespace
}  // namespace replay::gen
