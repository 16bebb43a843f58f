#include "replay/trace/importers/scanner.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(ScannerTest, TakesALineApart) {
  Scanner scan("[pid 12] malloc(0x1f) =\t7f00,rest of it");
  EXPECT_TRUE(scan.literal("[pid "));
  EXPECT_FALSE(scan.literal("13"));
  EXPECT_EQ(scan.decimal(), 12U);
  EXPECT_TRUE(scan.literal("]"));
  EXPECT_TRUE(scan.blanks());
  EXPECT_FALSE(scan.blanks());
  EXPECT_EQ(scan.until('('), "malloc");
  EXPECT_EQ(scan.number(), 31U);
  EXPECT_EQ(scan.word(), ")");
  EXPECT_TRUE(scan.blanks());
  EXPECT_TRUE(scan.literal("="));
  EXPECT_TRUE(scan.blanks());
  EXPECT_EQ(scan.address(), 0x7f00U);
  EXPECT_TRUE(scan.literal(","));
  EXPECT_EQ(scan.until('\n'), "rest of it");
  EXPECT_TRUE(scan.done());
  EXPECT_EQ(scan.word(), "");
  EXPECT_EQ(scan.until('x'), "");
}

TEST(ScannerTest, ANumberThatIsNoneLeavesAllAsItWas) {
  Scanner scan("0xg 99999999999999999999");
  EXPECT_EQ(scan.address(), std::nullopt);
  EXPECT_EQ(scan.rest(), "0xg 99999999999999999999");
  EXPECT_EQ(scan.word(), "0xg");
  scan.blanks();
  EXPECT_EQ(scan.decimal(), std::nullopt);
  EXPECT_EQ(scan.rest(), "99999999999999999999");
  EXPECT_EQ(Scanner("-1").decimal(), std::nullopt);
  EXPECT_EQ(Scanner("").hex(), std::nullopt);
}

TEST(ScannerTest, NullHasManyNames) {
  EXPECT_EQ(Scanner("(nil)").address(), 0U);
  EXPECT_EQ(Scanner("0x0").address(), 0U);
  EXPECT_EQ(Scanner("0").number(), 0U);
}

}  // namespace
}  // namespace replay
