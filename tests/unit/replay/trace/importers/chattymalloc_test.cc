#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kChattymallocImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string record(int function, std::uint64_t pointer, std::uint64_t size = 0,
                   std::uint64_t argument = 0, std::int32_t thread = 7) {
  return test::bytes_of(pointer, size, argument, thread, static_cast<std::uint8_t>(function));
}

// The same with durations of one nanosecond.
std::string timed(const std::string& records) {
  std::string all;
  for (std::size_t at = 0; at < records.size(); at += 29) {
    all += test::bytes_of(std::int64_t{0}, std::int64_t{1}) + records.substr(at, 29);
  }
  return all;
}

const std::string kAll = record(1, 0x10, 24) + record(4, 0x20, 40, 3) + record(3, 0x30, 100, 0x10) +
                         record(5, 0x10, 200, 64) + record(2, 0x20) + record(6, 0x20, 300, 256) +
                         record(7, 0x40, 10) + record(8, 0x50, 11) + record(9, 0x60, 128, 32) +
                         record(3, 0, 0, 0x30) + record(1, 0, std::uint64_t{1} << 60) +
                         record(10, 0) + record(0, 0, 0, 0, 0);

TEST(ChattymallocImporterTest, ReadsEveryFunctionWithDurationsAndWithout) {
  for (const std::string& input : {kAll, timed(kAll)}) {
    const auto imported = import(input);
    EXPECT_EQ(imported->events,
              (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120),
                                  test::realloc_of(0, 100), test::aligned_of(2, 200, 6),
                                  test::free_of(1), test::aligned_of(3, 300, 8),
                                  test::aligned_of(4, 10, 12), test::aligned_of(5, 11, 12),
                                  test::aligned_of(6, 128, 5), test::free_of(0)}));
    EXPECT_EQ(imported->repaired("failed_calls"), 1U);
    EXPECT_EQ(imported->repaired(), 1U);
  }
}

TEST(ChattymallocImporterTest, KnowsThreads) {
  EXPECT_EQ(import(record(1, 0x10, 24) + record(2, 0x10, 0, 0, 8))->events[1].thread, 1U);
}

TEST(ChattymallocImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input("hello"),
            "input: at byte 0: expected records of 29 or 45 bytes, as chattymalloc writes them");
  std::string many;
  while (many.size() < Source::kHeadBytes) many += record(2, 0);
  EXPECT_EQ(error_of_input(many + record(11, 0)), "input: at byte " + std::to_string(many.size()) +
                                                      ": unknown function 11, expected 0 to 10");
  EXPECT_EQ(error_of_input(many + "1"), "input: at byte " + std::to_string(many.size() + 1) +
                                            ": the input ends within a record");
}

TEST(ChattymallocImporterTest, IsRecognisedByWhatMakesSense) {
  const auto recognises = kChattymallocImporter.recognises;
  EXPECT_TRUE(recognises(kAll));
  EXPECT_TRUE(recognises(timed(kAll)));
  EXPECT_FALSE(recognises(kAll + "1"));
  EXPECT_FALSE(recognises(record(1, 0x10, 24) + record(11, 0)));
  EXPECT_FALSE(recognises(record(1, 0x10, 24, 0, -7)));
  EXPECT_FALSE(recognises(record(0, 0, 0, 0, 0)));
}

}  // namespace
}  // namespace replay
