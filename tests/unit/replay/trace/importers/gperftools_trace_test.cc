#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

using testing::HasSubstr;

auto import(std::string_view input) { return test::import_bytes(kGperftoolsTraceImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string number(std::uint64_t value) {
  for (unsigned count = 1; count < 9; ++count) {
    if (value >> 7 * count != 0) continue;
    return test::bytes_of((value << 1 | 1) << (count - 1)).substr(0, count);
  }
  return std::string(1, '\0') + test::bytes_of(value);
}

std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}

std::string buffer(std::uint64_t thread, std::uint64_t time, const std::string& events) {
  return number(thread << 3 | 3) + number(time) + number(events.size()) + events;
}

// Differences to the thread's event before, sizes in units of 8.
std::string token(std::uint64_t first, std::uint64_t time) {
  return number(first << 3 | 2) + number(time);
}
std::string malloc_event(std::int64_t units) { return number(zigzag(units) << 3); }
std::string free_event(std::int64_t token) { return number(zigzag(token) << 3 | 1); }
std::string sized_free_event(std::int64_t token) { return number(zigzag(token) << 3 | 4); }
std::string realloc_event(std::int64_t units, std::int64_t token) {
  return number(zigzag(units) << 8 | 027) + number(zigzag(token));
}
std::string memalign_event(std::int64_t units, std::uint64_t alignment) {
  return number(zigzag(units) << 8 | 037) + number(alignment);
}

const std::string kBarrier = number(047) + number(0);
const std::string kEnd = number(017);

Event at(std::uint64_t time_ns, std::uint32_t thread, Event event) {
  event.time_ns = time_ns;
  event.thread = thread;
  return event;
}

TEST(GperftoolsTraceImporterTest, ReadsEveryEvent) {
  const std::string events = token(0, 1024) + malloc_event(3) + malloc_event(-1) +
                             memalign_event(10, 64) + free_event(1) + realloc_event(-2, -1) +
                             sized_free_event(2) + realloc_event(-10, 1) + malloc_event(5);
  const std::vector<Event> expected{test::malloc_of(0, 24),     test::malloc_of(1, 16),
                                    test::aligned_of(2, 96, 6), test::free_of(1),
                                    test::realloc_of(0, 80),    test::free_of(2),
                                    test::realloc_of(0, 1),     test::malloc_of(3, 40)};
  for (const std::string magic : {"", "mag!"}) {
    const auto imported = import(magic + buffer(1, 2048, events) + kBarrier + kEnd + "padding");
    EXPECT_EQ(imported->events, expected);
    EXPECT_EQ(imported->repaired(), 0U);
    EXPECT_EQ(imported->header.time_unit_ns, 1024U);
  }
}

TEST(GperftoolsTraceImporterTest, LongNumbersAreRead) {
  const std::int64_t units = std::int64_t{1} << 58;
  const auto imported =
      import(buffer(1, 0, token(0, 0) + malloc_event(units) + malloc_event(-units)) + kEnd);
  EXPECT_EQ(imported->events[0].size, std::uint64_t{1} << 61);
  EXPECT_EQ(imported->events[1].size, 0U);
}

TEST(GperftoolsTraceImporterTest, ThreadsAreMergedByTimeAndAFreeWaitsForItsBirth) {
  const std::string frees = token(1000, 1024) + free_event(0) + malloc_event(7);
  const std::string births = token(0, 5120) + malloc_event(3);
  const auto imported = import(buffer(2, 2048, frees) + buffer(1, 6144, births) + kBarrier + kEnd);
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), at(0, 1, test::free_of(0)),
                                at(0, 1, test::malloc_of(1, 56))}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(GperftoolsTraceImporterTest, AThreadGoesOnInItsNextBuffer) {
  const auto imported = import(buffer(1, 1024, token(0, 0) + malloc_event(3)) + kBarrier +
                               buffer(1, 4096, malloc_event(1) + free_event(1)) + kEnd);
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), at(1024, 0, test::malloc_of(1, 32)),
                                at(1024, 0, test::free_of(1))}));
}

TEST(GperftoolsTraceImporterTest, WhatIsNeverBornIsLeftOut) {
  const auto imported = import(buffer(1, 1024, token(0, 0) + free_event(50) + malloc_event(1)) +
                               buffer(2, 1024, token(100, 0) + realloc_event(1, 50)) + kEnd);
  EXPECT_EQ(imported->events.size(), 2U);
  EXPECT_EQ(imported->repaired("frees_of_unknown_blocks"), 1U);
  EXPECT_EQ(imported->repaired("reallocs_of_unknown_blocks"), 1U);
}

TEST(GperftoolsTraceImporterTest, AMissingEndIsReported) {
  const auto imported = import(buffer(1, 1024, token(0, 0) + malloc_event(3)));
  EXPECT_EQ(imported->events.size(), 1U);
  EXPECT_EQ(imported->repaired("missing_end_mark"), 1U);
}

TEST(GperftoolsTraceImporterTest, SaysWhatItExpected) {
  const std::string start = buffer(1, 0, token(0, 0) + malloc_event(3));  // 6 bytes
  EXPECT_EQ(error_of_input("hello"),
            "input: at byte 0: expected a thread's buffer at the start, or after 4 bytes of magic");
  EXPECT_EQ(error_of_input(start + number(1)),
            "input: at byte 0: expected a thread's buffer at the start, or after 4 bytes of magic");
  EXPECT_EQ(error_of_input(start + buffer(1, 0, number(5)) + kEnd),
            "input: at byte 9: unknown type 05 of an event in a thread's buffer");
  EXPECT_EQ(error_of_input(start + buffer(1, 0, number(1000).substr(0, 1)) + kEnd),
            "input: at byte 9: a number is cut by the end of its buffer");
  EXPECT_EQ(error_of_input(start + buffer(1, 0, number(8) + number(8)).substr(0, 4)),
            "input: at byte 10: the input ends within a thread's buffer");
  std::string many = start;
  while (many.size() < Source::kHeadBytes) many += start;
  EXPECT_EQ(error_of_input(many + number(1)),
            "input: at byte " + std::to_string(many.size()) +
                ": unknown type 01 of a record, expected a thread's buffer or end, a barrier or "
                "the end");
  EXPECT_EQ(error_of_input(many + number(11) + number(0) + number(1 << 21)),
            "input: at byte " + std::to_string(many.size()) +
                ": a buffer of 2097152 bytes, the limit is 1048576");
}

TEST(GperftoolsTraceImporterTest, WhatWaitsForABarrierHasALimit) {
  std::string input = buffer(1, 0, token(0, 0) + free_event(7));
  const std::string large = buffer(1, 0, std::string(1 << 20, '\x01'));
  for (int i = 0; i < 65; ++i) input += large;
  EXPECT_EQ(error_of_input(input), "input: at byte " + std::to_string(6 + 63 * large.size()) +
                                       ": more than 67108864 bytes without a barrier");
}

TEST(GperftoolsTraceImporterTest, EmptyBuffersCountToo) {
  std::string input = buffer(1, 0, token(0, 0) + free_event(7));
  const std::string empty = buffer(1, 0, "");
  for (int i = 0; i < 1'400'000; ++i) input += empty;
  EXPECT_THAT(error_of_input(input), HasSubstr(": more than 67108864 bytes without a barrier"));
}

TEST(GperftoolsTraceImporterTest, IsRecognised) {
  const auto recognises = kGperftoolsTraceImporter.recognises;
  const std::string start = buffer(1, 0, token(0, 0) + malloc_event(3));
  EXPECT_TRUE(recognises(start));
  EXPECT_TRUE(recognises("\xab\xcd\xef\x01" + start + kBarrier + kEnd));
  EXPECT_FALSE(recognises(buffer(1, 0, malloc_event(3))));
  EXPECT_FALSE(recognises(start + number(1)));
  EXPECT_FALSE(recognises(kEnd));
}

}  // namespace
}  // namespace replay
