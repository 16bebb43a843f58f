#include "replay/cli/range.h"

#include <gtest/gtest.h>

#include "replay/trace/error.h"

namespace replay::cli {
namespace {

TEST(RangeTest, CountsMayHaveADecimalSuffix) {
  EXPECT_EQ(parse_count("0"), 0U);
  EXPECT_EQ(parse_count("123456789012345678"), 123456789012345678U);
  EXPECT_EQ(parse_count("20k"), 20'000U);
  EXPECT_EQ(parse_count("1.5M"), 1'500'000U);
  EXPECT_EQ(parse_count("2G"), 2'000'000'000U);
}

TEST(RangeTest, AnythingElseIsAUsageError) {
  for (const char* text :
       {"", "k", "1.5", "-3", "3x", "1kk", "99999999999999999999", "1e5", "nank", "infk"}) {
    try {
      parse_count(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
    }
  }
}

TEST(RangeTest, ASeedIsANumberOf64Bits) {
  EXPECT_EQ(parse_seed("0"), 0U);
  EXPECT_EQ(parse_seed("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "18446744073709551616", "7x", "1k", " 1", "0x10"}) {
    EXPECT_THROW(parse_seed(text), Error) << text;
  }
}

TEST(RangeTest, EitherSideMayBeLeftOut) {
  EXPECT_EQ(parse_range("10:20").from, 10U);
  EXPECT_EQ(parse_range("10:20").to, 20U);
  EXPECT_EQ(parse_range("1k:").to, UINT64_MAX);
  EXPECT_EQ(parse_range(":5").from, 0U);
}

TEST(RangeTest, EmptyAndMalformedRangesAreErrors) {
  for (const char* text : {"5", "7:7", "9:8", "a:b", ":0"}) {
    EXPECT_THROW(parse_range(text), Error) << text;
  }
}

}  // namespace
}  // namespace replay::cli
