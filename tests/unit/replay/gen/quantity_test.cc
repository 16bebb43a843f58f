#include "replay/gen/quantity.h"

#include <gtest/gtest.h>

namespace replay::gen {
namespace {

TEST(QuantityTest, TakesDecimalAndBinarySuffixes) {
  EXPECT_EQ(parse_quantity("500"), 500U);
  EXPECT_EQ(parse_quantity("20k"), 20000U);
  EXPECT_EQ(parse_quantity("1.5M"), 1500000U);
  EXPECT_EQ(parse_quantity("64Ki"), 65536U);
  EXPECT_EQ(parse_quantity("2MiB"), 2097152U);
  EXPECT_EQ(parse_quantity("0.5Gi"), 536870912U);
  EXPECT_EQ(parse_quantity("8B"), 8U);
}

TEST(QuantityTest, RefusesTheRest) {
  for (const char* text : {"", "k", "-1", "1.2.3", "1.5", "12x", "1 k", "9999999999999999999",
                           "999999999999G", "0x10", "1e3", "."}) {
    EXPECT_FALSE(parse_quantity(text)) << text;
  }
}

TEST(QuantityTest, PercentIsInPartsPerMillion) {
  EXPECT_EQ(parse_percent("0"), 0U);
  EXPECT_EQ(parse_percent("12.5"), 125000U);
  EXPECT_EQ(parse_percent("0.0001"), 1U);
  EXPECT_EQ(parse_percent("100"), 1000000U);
  for (const char* text : {"", "101", "-1", "5%", "0.00001", "100.0001"}) {
    EXPECT_FALSE(parse_percent(text)) << text;
  }
}

}  // namespace
}  // namespace replay::gen
