#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kLttngImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string event(const std::string& function, const std::string& fields,
                  const std::string& time = "00:00:01.000000000", int thread = 9, int process = 9) {
  return "[" + time + "] (+0.000000451) vm lttng_ust_libc:" + function +
         ": { cpu_id = 0 }, { vpid = " + std::to_string(process) +
         ", vtid = " + std::to_string(thread) + ", procname = \"a, ptr = 0x9 }\" }, { " + fields +
         " }\n";
}

const std::string kMalloc = event("malloc", "size = 24, ptr = 0x10");

TEST(LttngImporterTest, ReadsEveryEvent) {
  const auto imported =
      import(kMalloc + event("calloc", "nmemb = 3, size = 40, ptr = 0x20") +
             event("realloc", "in_ptr = 0x10, size = 100, ptr = 0x30") +
             event("memalign", "alignment = 64, size = 200, ptr = 0x10") +
             event("posix_memalign", "out_ptr = 0x40, alignment = 256, size = 300, result = 0") +
             event("posix_memalign", "out_ptr = 0x0, alignment = 256, size = 300, result = 12") +
             event("free", "ptr = 0x20") + event("free", "ptr = 0x0"));
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120),
                                test::realloc_of(0, 100), test::aligned_of(2, 200, 6),
                                test::aligned_of(3, 300, 8), test::free_of(1)}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(LttngImporterTest, KeepsTheFirstProcessAndPassesOverOtherEvents) {
  const auto imported = import("[00:00:01.000000000] (+0.000000100) vm sched_switch: { }, { }\n" +
                               kMalloc + event("free", "ptr = 0x10", "00:00:02.000000000", 8, 8) +
                               event("free", "ptr = 0x10", "00:00:03.000000000", 7));
  ASSERT_EQ(imported->events.size(), 2U);
  EXPECT_EQ(imported->events[1].thread, 1U);
  EXPECT_EQ(imported->events[1].time_ns, 2000000000U);
  EXPECT_EQ(imported->repaired("calls_of_other_processes"), 1U);
}

TEST(LttngImporterTest, ReadsEveryFormOfTime) {
  struct Case {
    std::string first, second;
    std::uint64_t start_unix_ns, between_ns;
  };
  for (const Case& times :
       {Case{"23:59:59.000000001", "00:00:01.000000002", 0, 2000000001},
        Case{"1700000000.000000001", "1700000000.000000002", 1700000000000000001, 1},
        Case{"12.000000001", "13.000000001", 0, 1000000000},
        Case{"2024-02-29 23:59:59.000000000", "2024-03-01 00:00:00.000000000", 0, 1000000000},
        Case{"00000000870684537356", "00000000870684537366", 0, 10}}) {
    const auto imported = import(event("malloc", "size = 1, ptr = 0x10", times.first) +
                                 event("free", "ptr = 0x10", times.second));
    EXPECT_EQ(imported->header.start_unix_ns, times.start_unix_ns) << times.first;
    EXPECT_EQ(imported->events.at(1).time_ns, times.between_ns) << times.first;
  }
}

TEST(LttngImporterTest, ReadsAllNames) {
  const auto imported = import(
      "timestamp = 03:41:34.968901733, delta = +0.000004557, trace:hostname = vm, name = "
      "lttng_ust_libc:malloc, stream.packet.context = { cpu_id = 1 }, stream.event.context = { "
      "vtid = 13648, vpid = 13648 }, event.fields = { size = 24, ptr = 0x5606B4F655F0 }\n");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 24)}));
}

TEST(LttngImporterTest, CountsWhatTheTracerDiscarded) {
  const auto imported = import(
      kMalloc + "[warning] Tracer discarded 17 events between [00:00:01.0] and [00:00:02.0]\n");
  EXPECT_EQ(imported->header.lost_events, 17U);
}

TEST(LttngImporterTest, SaysWhatItExpected) {
  const std::string line = "input: line 2, at byte " + std::to_string(kMalloc.size()) + ": ";
  EXPECT_EQ(error_of_input(kMalloc + event("reallocarray", "ptr = 0x1")),
            line +
                "unknown event 'reallocarray' of lttng_ust_libc, expected malloc, calloc, "
                "realloc, free, memalign or posix_memalign");
  EXPECT_EQ(error_of_input(kMalloc + event("malloc", "ptr = 0x1")),
            line + "expected the field 'size = NUMBER' in the event");
  EXPECT_EQ(error_of_input(kMalloc + event("free", "0x1")),
            line + "expected the field 'ptr = NUMBER' in the event");
  EXPECT_EQ(error_of_input(kMalloc + "vm lttng_ust_libc:free: ptr\n"),
            line + "expected the fields of the event between braces");
  for (const std::string time :
       {"24:00:00.000000000", "1.5", "", "2024-02-30 00:00:00.000000000", "18446744073.709551616",
        "99999999999999999999.000000000", "12:00.000000000"}) {
    EXPECT_EQ(error_of_input(kMalloc + event("free", "ptr = 0x1", time)),
              line + "expected a time stamp, [HH:MM:SS.NNNNNNNNN], [SECONDS.NNNNNNNNN] or [CYCLES]")
        << time;
  }
  EXPECT_EQ(
      error_of_input("hello\n"),
      "input: line 1, at byte 0: expected events of lttng_ust_libc, as babeltrace prints them");
}

TEST(LttngImporterTest, IsRecognised) {
  EXPECT_TRUE(kLttngImporter.recognises("something else\n" + kMalloc));
  EXPECT_FALSE(kLttngImporter.recognises("lttng enable-event -u lttng_ust_libc:malloc\n"));
}

}  // namespace
}  // namespace replay
