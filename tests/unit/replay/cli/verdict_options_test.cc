#include "replay/cli/verdict_options.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace replay::cli {
namespace {

TEST(VerdictOptionsTest, AShareIsAPercentageOrAFraction) {
  EXPECT_DOUBLE_EQ(parse_share("2%", "--threshold"), 0.02);
  EXPECT_DOUBLE_EQ(parse_share("0.5%", "--threshold"), 0.005);
  EXPECT_DOUBLE_EQ(parse_share("0.02", "--threshold"), 0.02);
}

TEST(VerdictOptionsTest, NothingElseIsAShare) {
  for (const char* text :
       {"", "%", "2 %", "2%%", "x", "0", "-1%", "100%", "1", "2", "nan", "2%x"}) {
    EXPECT_EQ(test::error_of([&] { parse_share(text, "--threshold"); }),
              "--threshold " + std::string(text) + ": expected a share such as 2% or 0.02");
  }
}

TEST(VerdictOptionsTest, RulesComeFromTheOptions) {
  VerdictOptions options;
  EXPECT_DOUBLE_EQ(rules_of(options).threshold, 0.02);
  EXPECT_DOUBLE_EQ(rules_of(options).alpha, 0.05);
  options.error_rate = "1%";
  EXPECT_DOUBLE_EQ(rules_of(options).alpha, 0.01);
}

}  // namespace
}  // namespace replay::cli
