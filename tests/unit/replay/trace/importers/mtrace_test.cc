#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view text) { return test::import_bytes(kMtraceImporter, text); }

std::string error_of_text(std::string_view text) {
  return test::error_of([&] { import(text); });
}

TEST(MtraceImporterTest, ReadsEveryKindOfLine) {
  const auto imported = import(
      "= Start\n"
      "@ ./p:[0x1299] + 0x55b26fca32a0 0x18\n"
      "@ ./a b ] c:(f+0x2)[0x1299] + 0x10 0x20\n"
      "@ [0x7f] + 0x30 0\n"
      "@ ./p:[0x1276] < 0x10\n"
      "@ ./p:[0x1276] > 0x40 0x30\n"
      "@ ./p:[0x1276] ! 0x40 0xffffff\n"
      "- 0x40\n"
      "= End\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::malloc_of(1, 32),
                                test::malloc_of(2, 0), test::realloc_of(1, 48), test::free_of(1)}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
  EXPECT_TRUE(imported->says("cannot_say", "which thread made a call"));
}

TEST(MtraceImporterTest, AFileThatWasCutIsUsed) {
  const auto imported = import("= Start\n+ 0x10 0x18\n- 0x1");
  EXPECT_EQ(imported->events.size(), 1U);
  EXPECT_TRUE(
      imported->says("assumed", "the program ended without muntrace(), or the file is cut short"));
  const auto cut = import("= Start\n+ 0x10 0x18\n@ ./p:[0x1");
  EXPECT_EQ(cut->repaired("last_line_cut_short"), 1U);
}

TEST(MtraceImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_text("= Start\nhello\n"),
            "input: line 2, at byte 8: expected '+ ADDRESS SIZE', '- ADDRESS', '<', '>' or '!'");
  EXPECT_EQ(error_of_text("= Start\n+ 0x1\n"),
            "input: line 2, at byte 8: expected '+ ADDRESS SIZE', '- ADDRESS', '<', '>' or '!'");
  EXPECT_EQ(error_of_text("< 0x1\n- 0x2\n"),
            "input: line 2, at byte 6: expected '> ADDRESS SIZE' after '<'");
  EXPECT_EQ(error_of_text("> 0x1 0x2\n"),
            "input: line 1, at byte 0: expected '< ADDRESS' before '>'");
}

TEST(MtraceImporterTest, IsRecognised) {
  EXPECT_TRUE(kMtraceImporter.recognises("= Start\n"));
  EXPECT_TRUE(kMtraceImporter.recognises("@ ./p:[0x1299] + 0x55b26fca32a0 0x18\n"));
  EXPECT_FALSE(kMtraceImporter.recognises("+ 18 8 564b521ad1d0\n"));
  EXPECT_FALSE(kMtraceImporter.recognises("v 10400 3\n"));
}

}  // namespace
}  // namespace replay
