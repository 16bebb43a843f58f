#include "replay/trace/text_format.h"

#include <gtest/gtest.h>

namespace replay::text_format {
namespace {

TEST(TextFormat, EscapesWhatWouldEndALineOrAField) {
  EXPECT_EQ(escaped("operator new(unsigned long)"), "operator new(unsigned long)");
  EXPECT_EQ(escaped(std::string("a\tb\n\\\0\xc3", 7)), "a\\x09b\\x0a\\x5c\\x00\xc3");
}

TEST(TextFormat, UnescapesAllOfIt) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(unescaped(escaped(all)), all);
  EXPECT_EQ(unescaped(""), "");
}

TEST(TextFormat, TakesNothingElseAfterABackslash) {
  for (const char* text : {"\\", "\\x", "\\x0", "\\n00", "\\x0g", "a\\x-1", "\\x 1"}) {
    EXPECT_EQ(unescaped(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace replay::text_format
