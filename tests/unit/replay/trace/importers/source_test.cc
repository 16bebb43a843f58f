#include "replay/trace/importers/source.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/imported.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

TEST(SourceTest, GivesLinesWithoutTheirEnds) {
  Source source = test::source_of("one\n\ntwo\r\nthree");
  EXPECT_EQ(source.head(), "one\n\ntwo\r\nthree");
  std::string_view line;
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(line, "one");
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(line, "");
  EXPECT_FALSE(source.line_was_cut());
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(line, "two");
  EXPECT_EQ(source.offset(), 10U);
  EXPECT_EQ(test::error_of([&] { source.fail("wrong"); }), "input: line 3, at byte 5: wrong");
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(line, "three");
  EXPECT_TRUE(source.line_was_cut());
  EXPECT_FALSE(source.next_line(&line));
  EXPECT_TRUE(source.at_end());
}

TEST(SourceTest, ManyLinesOfAllLengthsSurviveTheBuffer) {
  std::string text;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 2000; ++i) lines.emplace_back(i * 7 % 1999, 'x');
  lines.emplace_back(1000000, 'y');
  for (const std::string& line : lines) text += line + "\n";
  Source source = test::source_of(text);
  std::string_view line;
  for (const std::string& expected : lines) {
    ASSERT_TRUE(source.next_line(&line));
    ASSERT_EQ(line, expected);
  }
  EXPECT_FALSE(source.next_line(&line));
  EXPECT_EQ(source.offset(), text.size());
}

TEST(SourceTest, ALineHasALimit) {
  Source source = test::source_of("a\n" + std::string(Source::kMaxLineBytes * 2, 'x'));
  std::string_view line;
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(test::error_of([&] { source.next_line(&line); }),
            "input: line 2, at byte 2: a line of more than 16781312 bytes");
}

TEST(SourceTest, GivesBytes) {
  Source source = test::source_of("0123456789");
  EXPECT_EQ(source.take(4, "a number"), "0123");
  EXPECT_EQ(source.take(0, "nothing"), "");
  EXPECT_EQ(source.take(3, "a number"), "456");
  EXPECT_EQ(test::error_of([&] { source.fail("wrong"); }), "input: at byte 4: wrong");
  EXPECT_FALSE(source.at_end());
  EXPECT_EQ(test::error_of([&] { source.take(4, "a number"); }),
            "input: at byte 10: the input ends within a number");
  EXPECT_EQ(source.take_rest(3), "789");
  EXPECT_TRUE(source.at_end());
}

TEST(SourceTest, TheRestHasALimit) {
  Source source = test::source_of(std::string(100, 'x'));
  source.take(1, "");
  EXPECT_EQ(test::error_of([&] { source.take_rest(50); }),
            "input: at byte 1: more than 50 bytes follow, which this format's importer must hold "
            "in memory");
}

TEST(SourceTest, SaysThatOffsetsAreThoseOfDecompressedBytes) {
  const test::TempFolder folder;
  test::write_file(folder / "t", "a\n");
  ASSERT_EQ(std::system(("gzip " + (folder / "t")).c_str()), 0);
  Source source(folder / "t.gz");
  std::string_view line;
  ASSERT_TRUE(source.next_line(&line));
  EXPECT_EQ(test::error_of([&] { source.fail("wrong"); }),
            (folder / "t.gz") + ": line 1, at byte 0 (decompressed): wrong");
}

}  // namespace
}  // namespace replay
