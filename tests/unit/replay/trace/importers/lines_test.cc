#include "replay/trace/importers/lines.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

// Reads lines of which "bad" is wrong; returns the good ones.
std::string read(std::string_view input, test::Imported* imported) {
  Source source = test::source_of(input);
  CallBuilder builder(*imported);
  std::string good;
  for_each_line(source, builder, [&](std::string_view line) {
    if (line == "bad") source.fail("wrong");
    good += line;
  });
  builder.finish("made-up", "input");
  return good;
}

TEST(LinesTest, GivesThoseThatAreNotEmpty) {
  test::Imported imported;
  EXPECT_EQ(read("a\n\r\n\nb\nc", &imported), "abc");
  EXPECT_EQ(imported.repaired(), 0U);
}

TEST(LinesTest, OnlyALastLineWithoutAnEndMayBeWrong) {
  test::Imported imported;
  EXPECT_EQ(read("a\nbad", &imported), "a");
  EXPECT_EQ(imported.repaired("last_line_cut_short"), 1U);
  EXPECT_EQ(test::error_of([&] { read("a\nbad\n", &imported); }),
            "input: line 2, at byte 2: wrong");
}

}  // namespace
}  // namespace replay
