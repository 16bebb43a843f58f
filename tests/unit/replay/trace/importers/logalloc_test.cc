#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kLogallocImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

Event by(std::uint32_t thread, Event event) {
  event.thread = thread;
  return event;
}

TEST(LogallocImporterTest, ReadsEveryFunction) {
  const auto imported = import(
      "5 5 malloc(32)=0x10\n"
      "5 6 calloc(3,40)=0x20\n"
      "5 5 realloc(0x10,64)=0x30\n"
      "5 5 realloc((nil),8)=0x40\n"
      "5 5 posix_memalign(256,240)=0x50\n"
      "5 5 aligned_alloc(64,128)=0x60\n"
      "5 5 memalign(32,10)=0x70\n"
      "5 5 valloc(9)=0x80\n"
      "5 5 jemalloc_stats()\n"
      "5 5 malloc(9223372036854775807)=(nil)\n"
      "5 5 free((nil))\n"
      "5 6 free(0x30)\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{
                test::malloc_of(0, 32), by(1, test::calloc_of(1, 120)), test::realloc_of(0, 64),
                test::malloc_of(2, 8), test::aligned_of(3, 240, 8), test::aligned_of(4, 128, 6),
                test::aligned_of(5, 10, 5), test::aligned_of(6, 9, 12), by(1, test::free_of(0))}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(LogallocImporterTest, AMungedSlotThatWasNeverAResultIsNull) {
  const auto imported = import(
      "1 1 malloc(32)=#1\n"
      "1 1 realloc(#2,5)=#3\n"
      "1 1 free(#2)\n"
      "1 1 realloc(#1,64)=#1\n"
      "1 1 free(#1)\n"
      "1 1 malloc(7)=#1\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 32), test::malloc_of(1, 5),
                                test::realloc_of(0, 64), test::free_of(0), test::malloc_of(2, 7)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(LogallocImporterTest, KeepsTheFirstProcess) {
  const auto imported = import("5 5 malloc(1)=0x10\n6 6 free(0x10)\n5 5 malloc(2)=0x20\n");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 1), test::malloc_of(1, 2)}));
  EXPECT_EQ(imported->repaired("calls_of_other_processes"), 1U);
  EXPECT_TRUE(imported->says("assumed", "the process of the first line is the one to import"));
}

TEST(LogallocImporterTest, TheOldestLogsHaveNoThreads) {
  const auto imported = import("5 malloc(1)=0x10\n5 free(0x10)\n");
  EXPECT_EQ(imported->events.size(), 2U);
  EXPECT_TRUE(imported->says("cannot_say", "which thread made a call"));
}

TEST(LogallocImporterTest, SaysWhatItExpected) {
  const std::string start = "5 5 malloc(1)=0x10\n";
  const std::string line = "input: line 2, at byte 19: ";
  for (const std::string wrong : {"hello", "5 5 mallocs(1)=0x10", "5 5 malloc 1=0x10", "5",
                                  "5 5 malloc(1) 0x10", "5 5 malloc(1)=", "x 5 malloc(1)=0x1"}) {
    EXPECT_EQ(error_of_input(start + wrong + "\n"),
              line + "expected 'PID TID FUNCTION(ARGUMENTS)=RESULT' of a malloc function")
        << wrong;
  }
  EXPECT_EQ(error_of_input(start + "5 5 malloc(1)\n"),
            line + "expected a result, '=' and an address or #SLOT");
  EXPECT_EQ(error_of_input(start + "5 5 malloc(1)=zz\n"),
            line + "expected a result, '=' and an address or #SLOT");
  EXPECT_EQ(error_of_input(start + "5 5 malloc(-1)=0x10\n"),
            line + "expected a decimal number as the last argument");
  EXPECT_EQ(error_of_input(start + "5 5 calloc(1)=0x10\n"),
            line + "expected two arguments, with a comma between");
  EXPECT_EQ(error_of_input(start + "5 5 calloc(x,1)=0x10\n"),
            line + "expected a decimal number as the first argument");
  EXPECT_EQ(error_of_input(start + "5 5 free(#)\n"),
            line + "expected a block, an address or #SLOT, as the first argument");
  EXPECT_EQ(error_of_input(start + "5 5 malloc(1,2)=0x10\n"),
            line + "too many arguments for this function");
}

TEST(LogallocImporterTest, IsRecognised) {
  EXPECT_TRUE(kLogallocImporter.recognises("5 5 malloc(1)=0x10\n"));
  EXPECT_TRUE(kLogallocImporter.recognises("5 free((nil))\n"));
  EXPECT_FALSE(kLogallocImporter.recognises("5 malloc(1) = 0x10\n"));
  EXPECT_FALSE(kLogallocImporter.recognises("5 5 open(1)=0x10\n"));
}

}  // namespace
}  // namespace replay
