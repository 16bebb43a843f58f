#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kDjTraceImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string record(std::uint32_t type, std::uint64_t ptr1, std::uint64_t ptr2 = 0,
                   std::uint64_t size = 0, std::uint64_t size2 = 0, std::int32_t thread = 1) {
  return test::bytes_of(thread, type, ptr1, ptr2, size, size2, std::uint64_t{0}, std::uint64_t{0},
                        std::uint64_t{0});
}

const std::string kMagicRecord = record(255, 0x1234, 0, 8);
constexpr std::uint32_t kCalledMalloc = 1U << 14;

TEST(DjTraceImporterTest, ReadsEveryType) {
  const auto imported =
      import(kMagicRecord + record(1, 0, 0x10, 24) + record(2, 0, 0x20, 120) +
             record(4, 0x10, 0x30, 48) + record(5, 0, 0x40, 200, 64) + record(6, 0, 0x50, 10) +
             record(7, 0, 0x60, 11) + record(8, 0, 0x70, 300, 256) + record(8, 12, 0x99, 300, 256) +
             record(3, 0x20) + record(3, 0) + record(0, 0));
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120),
                                test::realloc_of(0, 48), test::aligned_of(2, 200, 6),
                                test::aligned_of(3, 10, 12), test::aligned_of(4, 11, 12),
                                test::aligned_of(5, 300, 8), test::free_of(1)}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(DjTraceImporterTest, CallsWithinAReallocAreLeftOut) {
  const std::string start = kMagicRecord + record(1, 0, 0x10, 24);
  const std::string realloc = record(4 | kCalledMalloc, 0x10, 0x20, 48);
  const std::vector<Event> expected{test::malloc_of(0, 24), test::realloc_of(0, 48)};
  const auto whole = import(start + realloc + record(1, 0, 0x20, 48) + record(3, 0x10));
  EXPECT_EQ(whole->events, expected);
  EXPECT_EQ(whole->repaired("calls_within_realloc"), 2U);
  EXPECT_EQ(import(start + realloc)->events, expected);
  // Not those that only look like them, later or by another thread.
  EXPECT_EQ(import(start + realloc + record(3, 0x20) + record(1, 0, 0x20, 48))->events.size(), 4U);
  EXPECT_EQ(import(start + realloc + record(3, 0x20, 0, 0, 0, 2))->events.size(), 3U);
}

TEST(DjTraceImporterTest, ReadsRecordsOf32BitProgramsAndOfTheEarliestVersion) {
  const auto narrow = [](std::uint32_t type, std::uint32_t ptr1, std::uint32_t ptr2,
                         std::uint32_t size) {
    return test::bytes_of(std::uint32_t{1}, type, ptr1, ptr2, size, 0U, 0U, 0U, 0U);
  };
  const auto early = [](std::uint32_t type, std::uint64_t ptr1, std::uint64_t ptr2,
                        std::uint64_t size) {
    return test::bytes_of(std::uint32_t{1}, type, ptr1, ptr2, size);
  };
  const std::vector<Event> expected{test::malloc_of(0, 24), test::free_of(0)};
  EXPECT_EQ(
      import(narrow(255, 0x1234, 0, 4) + narrow(1, 0, 0x10, 24) + narrow(3, 0x10, 0, 0))->events,
      expected);
  EXPECT_EQ(import(early(1, 0, 0x10, 24) + early(3, 0x10, 0, 0))->events, expected);
}

TEST(DjTraceImporterTest, SaysWhatItExpected) {
  const std::string good = kMagicRecord + record(1, 0, 0x10, 24);
  EXPECT_EQ(error_of_input(good + good.substr(0, 70)),
            "input: at byte 198: the input ends within a record");
  EXPECT_EQ(error_of_input("hello"),
            "input: at byte 0: expected records of 64, 36 or 32 bytes, as glibc's dj/malloc writes "
            "them");
  std::string large = kMagicRecord;
  while (large.size() < Source::kHeadBytes) large += record(0, 0);
  EXPECT_EQ(error_of_input(large + record(77, 0)),
            "input: at byte 65536: unknown type 77 of a record, expected 0 to 8, or 255 at the "
            "start");
}

TEST(DjTraceImporterTest, IsRecognisedByItsMagic) {
  EXPECT_TRUE(kDjTraceImporter.recognises(kMagicRecord));
  EXPECT_FALSE(kDjTraceImporter.recognises(kMagicRecord.substr(1)));
  EXPECT_FALSE(kDjTraceImporter.recognises(record(1, 0, 0x10, 24)));
}

}  // namespace
}  // namespace replay
