#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kAppleReplayImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

template <typename... Fields>
std::string op(int opcode, int core, Fields... fields) {
  return test::bytes_of(static_cast<std::uint8_t>(opcode), static_cast<std::uint8_t>(core),
                        fields...);
}

constexpr std::uint64_t kA = 0x600000000010;
constexpr std::uint64_t kB = 0x600000000020;
constexpr std::uint64_t kC = 0x600000000030;

TEST(AppleReplayImporterTest, ReadsEveryOpcode) {
  const auto imported =
      import(op(1, 0, kA, 24U) + op(5, 0, kB, 3U, 40U) + op(3, 0, kA, kC, 100U) +
             op(4, 0, kA, 64U, 200U) + op(2, 0, kB) + op(6, 0, kB, 10U) + op(2, 0, kC));
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 24), test::calloc_of(1, 120),
                                test::realloc_of(0, 100), test::aligned_of(2, 200, 6),
                                test::free_of(1), test::aligned_of(3, 10, 12), test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(AppleReplayImporterTest, AProcessorIsAThread) {
  const auto imported = import(op(1, 5, kA, 24U) + op(2, 3, kA));
  EXPECT_EQ(imported->events[0].thread, 0U);
  EXPECT_EQ(imported->events[1].thread, 1U);
  EXPECT_TRUE(imported->says("assumed", "each processor is a thread"));
  EXPECT_TRUE(imported->says("cannot_say", "which thread made a call, only on which processor"));
}

TEST(AppleReplayImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input(op(1, 0, kA, 24U) + op(7, 0)),
            "input: at byte 14: unknown opcode 7, expected 1 to 6");
  EXPECT_EQ(error_of_input(op(1, 0, kA, 24U).substr(0, 13)),
            "input: at byte 13: the input ends within an operation");
  EXPECT_EQ(error_of_input("\x01"),
            "input: at byte 1: the input ends within the head of an operation");
}

TEST(AppleReplayImporterTest, IsRecognisedByWhatMakesSense) {
  const std::string good = op(1, 0, kA, 24U) + op(2, 0, kA);
  const auto recognises = kAppleReplayImporter.recognises;
  EXPECT_TRUE(recognises(good));
  EXPECT_FALSE(recognises(good + "\x01"));
  EXPECT_FALSE(recognises(good.substr(0, 14)));
  EXPECT_FALSE(recognises(op(1, 0, kA + 1, 24U) + op(2, 0, kA)));
  EXPECT_FALSE(recognises(op(1, 0, kA, 24U) + op(2, 0, ~std::uint64_t{15})));
  EXPECT_FALSE(recognises(op(1, 0, std::uint64_t{0}, 0U) + op(2, 0, kA)));
}

}  // namespace
}  // namespace replay
