#include "replay/gen/parameters.h"

#include <gmock/gmock.h>

#include "replay/gen/generator.h"
#include "tests/support/error_of.h"

namespace replay::gen {
namespace {

using ::testing::HasSubstr;

constexpr ParameterSpec kSpecs[] = {
    number_parameter("count", "10k", "objects", "how many", 1, 20000),
    percent_parameter("share", "12.5", "of them"),
    distribution_parameter("size", "uniform:1:8", "bytes", "sizes"),
    choice_parameter("order", "fifo", "fifo|lifo", "of frees"),
};

TEST(ParametersTest, HasDefaultsAndWhatWasSet) {
  const Parameters defaults("g", kSpecs, {});
  EXPECT_EQ(defaults.number("count"), 10000U);
  EXPECT_EQ(defaults.share("share"), 125000U);
  EXPECT_EQ(defaults.choice("order"), "fifo");
  const Parameters set("g", kSpecs, {"count=7", "order=lifo", "size=64"});
  EXPECT_EQ(set.number("count"), 7U);
  EXPECT_EQ(set.choice("order"), "lifo");
  Random random(1);
  EXPECT_EQ(set.distribution("size").draw(random), 64U);
  EXPECT_EQ(set.json().dump(), R"({"count":"7","share":"12.5","size":"64","order":"lifo"})");
}

TEST(ParametersTest, ErrorsNameTheDomain) {
  const auto message = [](const std::string& setting) {
    return test::error_of([&] { Parameters("g", kSpecs, {setting}); });
  };
  EXPECT_THAT(message("count"), HasSubstr("'count' is no parameter; write NAME=VALUE"));
  EXPECT_THAT(message("size=huge"), HasSubstr("g: size=huge"));
  EXPECT_THAT(message("size=huge"), HasSubstr("log:LOW:HIGH"));
  EXPECT_THAT(message("count=0"), HasSubstr("count takes objects, 1 to 20000"));
  EXPECT_THAT(message("count=20001"), HasSubstr("1 to 20000"));
  EXPECT_THAT(message("share=101"), HasSubstr("percent, 0 to 100"));
  EXPECT_THAT(message("order=fifo|lifo"), HasSubstr("order takes fifo|lifo"));
  EXPECT_THAT(message("order="), HasSubstr("order takes fifo|lifo"));
  EXPECT_THAT(message("depth=1"),
              HasSubstr("g has no parameter 'depth'; it has count, share, size, order"));
}

TEST(ParametersTest, WhatBelongsTogetherMustAgree) {
  static constexpr ParameterSpec kRange[] = {
      number_parameter("least", "1", "bytes", "", 1, 100),
      number_parameter("greatest", "9", "bytes", "", 1, 100),
      percent_parameter("a", "60", ""),
      percent_parameter("b", "40", ""),
  };
  const auto check = [](const std::vector<std::string>& settings) {
    const Parameters parameters("g", kRange, settings);
    parameters.require_ascending("least", "greatest");
    parameters.require_one_whole({"a", "b"});
  };
  EXPECT_NO_THROW(check({}));
  EXPECT_NO_THROW(check({"least=9"}));
  EXPECT_EQ(test::error_of([&] { check({"least=10"}); }), "g: least=10 is beyond greatest=9");
  EXPECT_EQ(test::error_of([&] { check({"b=40.5"}); }),
            "g: a, b are 100.5 % together; they are parts of 100 %");
}

}  // namespace
}  // namespace replay::gen
