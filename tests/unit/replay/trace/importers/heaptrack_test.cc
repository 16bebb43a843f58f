#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view text) { return test::import_bytes(kHeaptrackImporter, text); }

std::string error_of_text(std::string_view text) {
  return test::error_of([&] { import(text); });
}

constexpr const char* kLastFirst =
    "of several live blocks of one size and call site, the one allocated last is freed";

TEST(HeaptrackImporterTest, ReadsRawFiles) {
  const auto imported = import(
      "v 10400 3\nx f /tmp/cvs/sample\nX ./a b\nI 1000 5e2922\nm 1 -\nt 7f8efd027b9f 0\n"
      "+ 18 1 55d0\n+ 1f 1 7f00000000ab\nc a\nR 3eb\n- 55d0\n- 999\n");
  Event freed = test::free_of(0);
  freed.time_ns = 10000000;
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 0x18), test::malloc_of(1, 0x1f), freed}));
  EXPECT_EQ(imported->header.time_unit_ns, 1000000U);
  EXPECT_EQ(imported->header.provenance["command_line"], "./a b");
  EXPECT_EQ(imported->repaired("frees_of_unknown_blocks"), 1U);
  EXPECT_FALSE(imported->says("assumed", kLastFirst));
}

TEST(HeaptrackImporterTest, ReadsInterpretedFiles) {
  const auto imported = import(
      "v 10400 3\ns f /tmp/cvs/sample\ni 7f6298230b9f 8 0 b 0\nt 1 0\na 18 1\n+ 0\n+ 0\na 20 1\n"
      "+ 1\n- 0\n- 0\n- 1\n- 1\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 0x18), test::malloc_of(1, 0x18),
                                test::malloc_of(2, 0x20), test::free_of(1), test::free_of(0),
                                test::free_of(2)}));
  EXPECT_EQ(imported->repaired(), 1U);
  EXPECT_TRUE(imported->says("assumed", kLastFirst));
}

TEST(HeaptrackImporterTest, AStringThatLooksLikeACallIsNone) {
  // Strings stand after a letter of their own, whatever is in them.
  EXPECT_TRUE(import("v 10400 3\ns 5 + 0 1\nt 1 0\nx 1 - 2\n")->events.empty());
}

TEST(HeaptrackImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_text("v 1\n+ xyz\n"), "input: line 2, at byte 4: expected a hex number");
  EXPECT_EQ(error_of_text("v 1\n+ 18 1\n"), "input: line 2, at byte 4: expected a hex number");
  EXPECT_EQ(error_of_text("v 1\na 18 1\n+ 1\n"),
            "input: line 3, at byte 11: allocation 1, but only 1 lines 'a' came before");
  EXPECT_EQ(error_of_text("v 1\na 18 1\n+ 0\n+ 1 1 1\n"),
            "input: line 4, at byte 15: lines of raw and of interpreted files are mixed");
}

TEST(HeaptrackImporterTest, SaysWhatItAssumesOfOtherVersionsAndAttachedPrograms) {
  const auto imported = import("v 20000 4\nA\n");
  EXPECT_TRUE(imported->says("assumed", "file version 4 means what version 3 does"));
  EXPECT_TRUE(imported->says("assumed",
                             "the recording began in a running process, whose earlier blocks "
                             "are unknown"));
}

TEST(HeaptrackImporterTest, IsRecognised) {
  EXPECT_TRUE(kHeaptrackImporter.recognises("v 10400 3\nX a\n"));
  EXPECT_TRUE(kHeaptrackImporter.recognises("v 10000\n"));
  EXPECT_FALSE(kHeaptrackImporter.recognises("v 1 2 3\n"));
  EXPECT_FALSE(kHeaptrackImporter.recognises("v hello\n"));
}

}  // namespace
}  // namespace replay
