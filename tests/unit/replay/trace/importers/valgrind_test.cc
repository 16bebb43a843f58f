#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view text) { return test::import_bytes(kValgrindImporter, text); }

TEST(ValgrindImporterTest, ReadsEveryCall) {
  const auto imported = import(
      "==7== Memcheck, a memory error detector\n"
      "--7-- malloc(24) = 0x4A45040\n"
      "--7-- calloc(3,40) = 0x4A450A0\n"
      "what the program itself printed, malloc(1) = 0x10\n"
      "--7-- realloc(0x4A45040,48) = 0x4A45160\n"
      "--7-- memalign(al 256, size 500) = 0x4A4A100\n"
      "--7-- _ZnwmSt11align_val_t(size 384, al 128) = 0x4D72D80\n"
      "--7-- malloc_usable_size(0x4A45160) = 48\n"
      "--7-- _ZdlPvm(0x4D72D80)\n"
      "--7-- free(0x0)\n"
      "--7-- REDIR: 0x4a3 (libc.so.6:malloc) redirected to 0x48 (malloc)\n"
      "--7-- free(0x4A450A0)\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120),
                                test::realloc_of(0, 48), test::aligned_of(2, 500, 8),
                                test::aligned_of(3, 384, 7), test::free_of(3), test::free_of(1)}));
  EXPECT_EQ(imported->repaired(), 0U);
  EXPECT_EQ(imported->header.provenance["pid"], 7);
}

TEST(ValgrindImporterTest, AResultMayComeAfterOtherCalls) {
  const auto imported = import(
      "--7-- malloc(5) = 0x10\n"
      "--7-- realloc(0x10,0)free(0x10)\n"
      "--7--  = 0\n"
      "--7-- malloc(6)free(0x99)\n"
      "--7--  = 0x20\n"
      "--7-- calloc(1,2)malloc(7) = 0x30\n"
      "--7--  = 0x40\n"
      "--7-- malloc(8)\n"
      "--7-- malloc(9) = 0x0\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 5), test::free_of(0), test::malloc_of(1, 6),
                                test::malloc_of(2, 7), test::calloc_of(3, 2)}));
  EXPECT_EQ(imported->repaired("frees_of_unknown_blocks"), 1U);
  EXPECT_EQ(imported->repaired("calls_without_result"), 1U);
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
}

TEST(ValgrindImporterTest, TakesTheFirstProcessAndItsTimes) {
  const auto imported = import(
      "--00:00:00:00.296 7-- malloc(1) = 0x10\n"
      "--00:00:00:00.300 8-- malloc(2) = 0x20\n"
      "--01:00:00:01.000 7-- free(0x10)\n");
  ASSERT_EQ(imported->events.size(), 2U);
  EXPECT_EQ(imported->events[0].time_ns, 296000000U);
  EXPECT_EQ(imported->events[1].time_ns, 86401000000000U);
  EXPECT_EQ(imported->header.time_unit_ns, 1000000U);
  EXPECT_EQ(imported->repaired("lines_of_other_processes"), 1U);
}

TEST(ValgrindImporterTest, AnInputWithoutCallsIsAnError) {
  EXPECT_EQ(test::error_of([] { import("==7== Memcheck\n--7-- hello\n"); }),
            "input: line 2, at byte 15: the input ends without a line of --trace-malloc=yes");
}

TEST(ValgrindImporterTest, IsRecognisedWhereverTheFirstCallIs) {
  EXPECT_TRUE(kValgrindImporter.recognises("==7== Memcheck\nhello\n--7-- malloc(24) = 0x4"));
  EXPECT_FALSE(kValgrindImporter.recognises("==7== Memcheck\n--7-- REDIR: malloc(24)\n"));
  EXPECT_FALSE(kValgrindImporter.recognises("malloc(24) = 0x4A45040\n"));
}

}  // namespace
}  // namespace replay
