#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kAndroidImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

Event at(std::uint64_t time_ns, std::uint32_t thread, Event event) {
  event.time_ns = time_ns;
  event.thread = thread;
  return event;
}

Event touched(std::uint32_t touched, Event event) {
  event.touched = touched;
  return event;
}

TEST(AndroidImporterTest, ReadsEveryOperation) {
  const auto imported = import(
      "1: malloc 0x10 24\n"
      "2:calloc 20 3 40\n"
      "1: memalign 0x30 64 200\n"
      "1: realloc 0x40 0x10 48\r\n"
      "\n"
      "2: realloc 0x50 0x0 5\n"
      "2: realloc 0x0 0x50 0\n"
      "1: free 0x0\n"
      "1: free 0x40\n"
      "2: thread_done 0x0\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), at(0, 1, test::calloc_of(1, 120)),
                                test::aligned_of(2, 200, 6), test::realloc_of(0, 48),
                                at(0, 1, test::malloc_of(3, 5)), at(0, 1, test::free_of(3)),
                                test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
  EXPECT_TRUE(imported->says("cannot_say", "when a call was made"));
}

TEST(AndroidImporterTest, TakesTheStartOfACallForItsTime) {
  const auto imported = import(
      "7: malloc 0x10 24 1000 1010\n"
      "7: realloc 0x20 0x10 30 8 1500 1600\n"
      "7: free 0x20 -1 1700 1800\n"
      "7: thread_done 0x0 1900\n");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 24),
                                                  at(500, 0, touched(2, test::realloc_of(0, 30))),
                                                  at(700, 0, test::free_of(0))}));
  EXPECT_TRUE(imported->header.has_touched);
  EXPECT_TRUE(imported->says("assumed",
                             "one number before the time stamps is how many bytes were present"));
}

TEST(AndroidImporterTest, PresenceMayStandAlone) {
  const std::string start = "7: malloc 0x10 9000\n";
  for (const auto& [presence, pages] : std::vector<std::pair<std::string, std::uint32_t>>{
           {" -1", 0}, {" 0", 1}, {" 1", 2}, {" 4096", 2}, {" 4097", 3}, {" 9000", 4}}) {
    const auto imported = import(start + "7: free 0x10" + presence + "\n");
    EXPECT_TRUE(imported->header.has_touched);
    ASSERT_EQ(imported->events.size(), 2U);
    EXPECT_EQ(imported->events[1], touched(pages, test::free_of(0))) << presence;
  }
  EXPECT_FALSE(import(start + "7: free 0x10\n")->header.has_touched);
  EXPECT_FALSE(import(start + "7: free 0x10 5 6\n")->header.has_touched);
}

TEST(AndroidImporterTest, PresenceThatBeginsLateIsLeftOut) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += "7: malloc 0x10 24\n7: free 0x10\n";
  const auto imported = import(lines + "7: malloc 0x10 24\n7: free 0x10 24\n");
  EXPECT_FALSE(imported->header.has_touched);
  EXPECT_EQ(imported->repaired("present_bytes_left_out"), 1U);
}

TEST(AndroidImporterTest, SaysWhatItExpected) {
  const std::string start = "1: malloc 0x10 24\n";
  const std::string line = "input: line 2, at byte 18: ";
  const std::string tail =
      line + "expected the end of the line or two time stamps, START_NS END_NS";
  for (const std::string wrong : {"1 malloc 0x10 24", "1: mallocs 0x10 24", "x: free 0x1",
                                  "1: free", "1: free xyz", "hello"}) {
    EXPECT_EQ(error_of_input(start + wrong + "\n"),
              line +
                  "expected 'TID: OP POINTER', with OP one of malloc, calloc, memalign, realloc, "
                  "free, thread_done")
        << wrong;
  }
  EXPECT_EQ(error_of_input(start + "1: malloc 0x10\n"),
            line + "expected a decimal number, the size");
  EXPECT_EQ(error_of_input(start + "1: calloc 0x10 x 1\n"),
            line + "expected a decimal number, the number of elements");
  EXPECT_EQ(error_of_input(start + "1: memalign 0x10 -4 1\n"),
            line + "expected a decimal number, the alignment");
  EXPECT_EQ(error_of_input(start + "1: realloc 0x10 zz 1\n"),
            line + "expected the old pointer after the new one");
  for (const std::string wrong :
       {"1: malloc 0x10 24 7", "1: malloc 0x10 24 7 8 9", "1: free 0x10 1 2 3 4",
        "1: free 0x10 1 -2 3", "1: free 0x10 -1 2", "1: free 0x10 a", "1: malloc 0x10 24x"}) {
    EXPECT_EQ(error_of_input(start + wrong + "\n"), tail) << wrong;
  }
}

TEST(AndroidImporterTest, ALastLineMayBeCut) {
  const auto imported = import("1: malloc 0x10 24\n1: malloc 0x");
  EXPECT_EQ(imported->events.size(), 1U);
  EXPECT_EQ(imported->repaired("last_line_cut_short"), 1U);
}

TEST(AndroidImporterTest, IsRecognised) {
  EXPECT_TRUE(kAndroidImporter.recognises("1: malloc 0x10 24\n"));
  EXPECT_TRUE(kAndroidImporter.recognises("1:free b6038060"));
  EXPECT_FALSE(kAndroidImporter.recognises("1: open 0x10 24\n"));
  EXPECT_FALSE(kAndroidImporter.recognises("1 malloc(24)=0x10\n"));
}

}  // namespace
}  // namespace replay
