#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kWebkitOpsImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string op(std::int32_t opcode, std::uint64_t slot, std::uint64_t size = 0,
               std::uint16_t align_log2 = 0, std::uint16_t thread = 0) {
  return test::bytes_of(opcode, thread, align_log2, slot, size);
}

TEST(WebkitOpsImporterTest, ReadsEveryOpcode) {
  const auto imported = import(op(0, 0, 24) + op(3, 1, 200, 6) + op(2, 0, 100) +
                               op(3, 2, 33, 0xffff) + op(1, 1) + op(2, 0, 0) + op(0, 1, 5));
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::aligned_of(1, 200, 6),
                                test::realloc_of(0, 100), test::malloc_of(2, 33), test::free_of(1),
                                test::realloc_of(0, 1), test::malloc_of(3, 5)}));
  EXPECT_EQ(imported->repaired("unknown_alignments"), 1U);
  EXPECT_EQ(imported->repaired(), 1U);
}

TEST(WebkitOpsImporterTest, KnowsThreads) {
  EXPECT_EQ(import(op(0, 0, 24) + op(1, 0, 0, 0, 3))->events[1].thread, 1U);
}

TEST(WebkitOpsImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input(op(0, 0, 24) + op(4, 0)),
            "input: at byte 24: unknown opcode 4, expected 0 to 3");
  EXPECT_EQ(error_of_input(op(3, 0, 24, 64)),
            "input: at byte 0: 2^64 as an alignment, expected 63 at most or 65535");
  EXPECT_EQ(error_of_input(op(0, 0, 24) + "1234"),
            "input: at byte 28: the input ends within a record of 24 bytes");
}

TEST(WebkitOpsImporterTest, IsRecognisedByWhatMakesSense) {
  const auto recognises = kWebkitOpsImporter.recognises;
  EXPECT_TRUE(recognises(op(0, 0, 24) + op(1, 0)));
  EXPECT_FALSE(recognises(op(0, 0, 24) + "1"));
  EXPECT_FALSE(recognises(op(0, 0, 24) + op(4, 0)));
  EXPECT_FALSE(recognises(op(0, 0, 24) + op(0, std::uint64_t{1} << 32)));
  EXPECT_FALSE(recognises(op(0, 0, 24) + op(3, 0, 1, 70)));
  EXPECT_FALSE(recognises(op(1, 0) + op(0, 0, 24)));
}

}  // namespace
}  // namespace replay
