#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view text) { return test::import_bytes(kLtraceImporter, text); }

std::vector<std::uint64_t> times_of(std::string_view text) {
  std::vector<std::uint64_t> times;
  const auto imported = import(text);
  for (const Event& event : imported->events) times.push_back(event.time_ns);
  return times;
}

Event by(std::uint32_t thread, Event event) {
  event.thread = thread;
  return event;
}

TEST(LtraceImporterTest, ReadsEveryCall) {
  const auto imported = import(
      "malloc(24)                                       = 0x10\n"
      "p->calloc(3, 40)                                 = 0x20\n"
      "puts(\"malloc(3) = 0x99\")                         = 17\n"
      "[0x401136] libstdc++.so.6->realloc(0x10, 48)     = 0x30 <0.000098>\n"
      "aligned_alloc(64, 128, 0x558d82c2e200, 13)       = 0x40\n"
      "posix_memalign(0x50, 256, 500)                   = 0\n"
      "reallocarray(0x20, 30, 4, 1)                     = 0x60\n"
      "operator new(unsigned long, std::align_val_t)(384, 128, 5, 6) = 0x70\n"
      "valloc(100, 2)                                   = 0x1000\n"
      "malloc(-1)                                       = 0\n"
      "free(0x30)                                       = <void>\n"
      "_ZdlPvm(0x70, 32, 0x557933d57, 23)               = 0\n"
      "+++ exited (status 0) +++\n");
  EXPECT_EQ(
      imported->events,
      (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120), test::realloc_of(0, 48),
                          test::aligned_of(2, 128, 6), test::aligned_of(3, 500, 8),
                          test::realloc_of(1, 120), test::aligned_of(4, 384, 7),
                          test::aligned_of(5, 100, 12), test::free_of(0), test::free_of(4)}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(LtraceImporterTest, PutsTogetherWhatOtherThreadsInterrupted) {
  const auto imported = import(
      "[pid 5] malloc(1 <unfinished ...>\n"
      "[pid 6] malloc(2)              = 0x20\n"
      "[pid 5] <... malloc resumed> ) = 0x10\n"
      "[pid 5] free(0x10 <unfinished ...>\n"
      "[pid 6] malloc(3)              = 0x10\n"
      "[pid 5] <... free resumed> )   = <void>\n"
      "[pid 6] posix_memalign( <unfinished ...>\n"
      "[pid 5] malloc(4)              = 0x40\n"
      "[pid 6] <... posix_memalign resumed> 0x50, 16, 5) = 0\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 2), by(1, test::malloc_of(1, 1)),
                                by(1, test::free_of(1)), test::malloc_of(2, 3),
                                by(1, test::malloc_of(3, 4)), test::aligned_of(4, 5, 4)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(LtraceImporterTest, CallsWithinACallAreTheLibrarysOwn) {
  const auto imported = import(
      "7 p->_Znwm(4, 0x7ffd, 1, 2 <unfinished ...>\n"
      "7 libstdc++.so.6->malloc(4)    = 0x10\n"
      "7 <... _Znwm resumed> )        = 0x10\n"
      "7 p->_ZdlPvm(0x10, 4 <unfinished ...>\n"
      "7 libstdc++.so.6->_ZdlPv(0x10, 4 <unfinished ...>\n"
      "7 libstdc++.so.6->free(0x10)   = <void>\n"
      "7 <... _ZdlPv resumed> )       = 0\n"
      "7 <... _ZdlPvm resumed> )      = 0\n");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 4), test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(LtraceImporterTest, ACallWhoseEndWasLostHidesNoOther) {
  const auto imported = import(
      "7 malloc(1 <no return ...>\n"
      "7 <... malloc resumed> ) = 0x10\n"
      "7 malloc(2 <no return ...>\n"
      "7 free(0x10 <no return ...>\n"
      "7 malloc(3)              = 0x20\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 1), test::free_of(0), test::malloc_of(1, 3)}));
  EXPECT_EQ(imported->repaired("calls_without_end"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(LtraceImporterTest, CountsWhatHasNoBeginOrNoEnd) {
  const auto imported = import(
      "<... malloc resumed> ) = 0x10\n"
      "malloc(\"what\")         = 0x20\n"
      "posix_memalign(0x7ffd, 256, 500, 0x558d) = 0\n"
      "malloc(1 <unfinished ...>\n");
  EXPECT_TRUE(imported->events.empty());
  EXPECT_EQ(imported->repaired("ends_without_begin"), 1U);
  EXPECT_EQ(imported->repaired("unreadable_calls"), 1U);
  EXPECT_EQ(imported->repaired("calls_without_end"), 1U);
  EXPECT_EQ(imported->header.lost_events, 1U);
  EXPECT_TRUE(imported->says("cannot_say",
                             "what posix_memalign returned, unless ltrace knows its prototype"));
}

TEST(LtraceImporterTest, ReadsTimesOfAllKinds) {
  EXPECT_EQ(times_of("5 1700000000.000001 malloc(1) = 0x10\n5 1700000001.5 malloc(1) = 0x20\n"),
            (std::vector<std::uint64_t>{0, 1499999000}));
  EXPECT_EQ(times_of("[pid 5]   0.000000 malloc(1) = 0x10\n"
                     "[pid 5]   0.000300 puts(\"\") = 1\n"
                     "[pid 5]   0.000200 malloc(1) = 0x20\n"),
            (std::vector<std::uint64_t>{0, 500000}));
  EXPECT_EQ(times_of("23:59:59.9 malloc(1) = 0x10\n00:00:00.1 malloc(1) = 0x20\n"),
            (std::vector<std::uint64_t>{0, 200000000}));
  EXPECT_EQ(times_of("10:00:01 malloc(1) = 0x10\n10:00:03 malloc(1) = 0x20\n"),
            (std::vector<std::uint64_t>{0, 2000000000}));
  const auto imported = import("5 1700000000.000001 malloc(1) = 0x10\n");
  EXPECT_EQ(imported->header.start_unix_ns, 1700000000000001000U);
}

TEST(LtraceImporterTest, AnInputWithoutCallsIsAnError) {
  EXPECT_EQ(test::error_of([] { import("puts(\"\") = 1\n"); }),
            "input: line 1, at byte 0: the input ends without a call of malloc or its like");
}

TEST(LtraceImporterTest, IsRecognised) {
  EXPECT_TRUE(kLtraceImporter.recognises("puts(\"\") = 1\n5 p->malloc(1) = 0x10\n"));
  EXPECT_TRUE(kLtraceImporter.recognises("5 p->malloc(1 <unfinished ...>\n"));
  EXPECT_FALSE(kLtraceImporter.recognises("12 34 malloc(24)=#1\n"));
  EXPECT_FALSE(kLtraceImporter.recognises("12 malloc(24)=0x10\n"));
  EXPECT_FALSE(kLtraceImporter.recognises("--7-- malloc(24) = 0x4A45040\n"));
}

}  // namespace
}  // namespace replay
