#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kGperftoolsReplayImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string instruction(std::uint64_t type, std::uint64_t block = 0, std::uint64_t first = 0,
                        std::uint64_t second = 0) {
  return test::bytes_of(type | block << 8, first, second);
}

const std::string kStart = instruction(5, 0, 77) + instruction(7, 0, 2048, 3);

TEST(GperftoolsReplayImporterTest, ReadsEveryInstruction) {
  const auto imported =
      import(kStart + instruction(0, 0, 24) + instruction(3, 1, 200, 64) +
             instruction(7, 0, 4096, 1) + instruction(5, 0, 78) + instruction(4, 0, 2, 100) +
             instruction(1, 1) + instruction(4, 2, 0, 0) + instruction(2, 0, 8) + instruction(6));
  std::vector<Event> expected{test::malloc_of(0, 24),   test::aligned_of(1, 200, 6),
                              test::realloc_of(0, 100), test::free_of(1),
                              test::realloc_of(0, 1),   test::free_of(0)};
  for (std::size_t i = 2; i < expected.size(); ++i) {
    expected[i].time_ns = 2048;
    expected[i].thread = 1;
  }
  EXPECT_EQ(imported->events, expected);
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(GperftoolsReplayImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input(kStart + instruction(8)),
            "input: at byte 48: unknown type 8 of an instruction, expected 0 to 7");
  EXPECT_EQ(error_of_input(kStart + "1"),
            "input: at byte 49: the input ends within an instruction of 24 bytes");
}

TEST(GperftoolsReplayImporterTest, IsRecognisedByWhatMakesSense) {
  const auto recognises = kGperftoolsReplayImporter.recognises;
  EXPECT_TRUE(recognises(kStart));
  EXPECT_FALSE(recognises(kStart + "1"));
  EXPECT_FALSE(recognises(kStart + instruction(8)));
  EXPECT_FALSE(recognises(kStart + instruction(0, std::uint64_t{1} << 33)));
  EXPECT_FALSE(recognises(kStart + instruction(5, 1)));
  EXPECT_FALSE(recognises(instruction(7) + kStart));
}

}  // namespace
}  // namespace replay
