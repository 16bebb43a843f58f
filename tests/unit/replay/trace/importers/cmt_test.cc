#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kCmtImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  std::string bytes;
  for (std::uint64_t value : values) {
    for (; value > 127; value >>= 7) bytes += static_cast<char>(value & 127);
    bytes += static_cast<char>(value | 128);
  }
  return bytes;
}

TEST(CmtImporterTest, ReadsBirthsReallocsAndFrees) {
  const auto imported = import(numbers({8, 0, 1}) + numbers({100000, 0, 1}) + numbers({16, 2, 1}) +
                               numbers({0, 2}) + numbers({0, 1}));
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 8), test::malloc_of(1, 100000),
                                test::realloc_of(0, 16), test::free_of(1), test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(CmtImporterTest, TagsMaySkip) {
  EXPECT_EQ(import(numbers({8, 0, 5}) + numbers({0, 1}))->events.size(), 2U);
}

TEST(CmtImporterTest, SaysWhatItExpected) {
  const std::string start = numbers({8, 0, 1});
  EXPECT_EQ(error_of_input(start + numbers({0, 2})),
            "input: at byte 3: a block 2 births back, after 1 births");
  EXPECT_EQ(error_of_input(start + numbers({0, 0})),
            "input: at byte 3: a call with neither a size nor a block");
  EXPECT_EQ(error_of_input(start + numbers({1, 0, 0})),
            "input: at byte 3: a birth without a new tag");
  EXPECT_EQ(error_of_input(start + numbers({1, 0})),
            "input: at byte 5: the input ends within an increment of the tag");
  EXPECT_EQ(error_of_input(start + "123456789"),
            "input: at byte 3: expected a size, a number of at most 56 bits");
}

TEST(CmtImporterTest, IsRecognisedByWhatMakesSense) {
  const auto recognises = kCmtImporter.recognises;
  const std::string start = numbers({8, 0, 1});
  EXPECT_TRUE(recognises(start + numbers({0, 1})));
  EXPECT_FALSE(recognises(start + numbers({0, 2})));
  EXPECT_FALSE(recognises(start + numbers({0})));
  EXPECT_FALSE(recognises(numbers({8, 0, 2})));
  EXPECT_FALSE(recognises("12345678"));
}

}  // namespace
}  // namespace replay
