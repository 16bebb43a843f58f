#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/bytes.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kBytehoundImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

template <typename... Words>
std::string words(Words... values) {
  return test::bytes_of(static_cast<std::uint64_t>(values)...);
}

Event at_us(std::uint64_t time_us, Event event) {
  event.time_ns = time_us * 1000;
  return event;
}

const std::string kFirst = words(1, 0, 100, 24);
const std::string kRest = words(3, 0, 150, 48) + words(2, 0, 150, 0);
const std::vector<Event> kExpected{test::malloc_of(0, 24), at_us(50, test::realloc_of(0, 48)),
                                   at_us(50, test::free_of(0))};

TEST(BytehoundImporterTest, ReadsTheFirstLayout) {
  const auto imported = import(words(1, 3) + kFirst + kRest);
  EXPECT_EQ(imported->events, kExpected);
  EXPECT_EQ(imported->header.time_unit_ns, 1000U);
  EXPECT_EQ(imported->header.provenance["import"]["assumed"].size(), 0U);
}

TEST(BytehoundImporterTest, FewerOperationsThanCountedWereFilteredOut) {
  const auto imported = import(words(1, 5) + kFirst + kRest);
  EXPECT_EQ(imported->events, kExpected);
  EXPECT_TRUE(imported->says("assumed",
                             "operations that the count promises and that are not there were "
                             "filtered out by bytehound"));
}

TEST(BytehoundImporterTest, ReadsTheLayoutWithStacks) {
  EXPECT_EQ(
      import(words(1) + words(4, 7, 0, 0) + kFirst + words(5, 0, 0, 0) + kRest + words(0))->events,
      kExpected);
  EXPECT_EQ(import(words(1) + kFirst + kRest + words(0))->events, kExpected);
}

TEST(BytehoundImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input(words(1)),
            "input: at byte 0: expected the number of slots, then operations of 32 bytes, as "
            "bytehound exports them for replay");
  // What is wrong beyond the head.
  std::string many;
  while (many.size() < Source::kHeadBytes) many += kFirst;
  const std::string count = std::to_string(many.size() / 32);
  const std::string counted = words(1, many.size() / 32) + many;
  const std::string ended = words(1) + words(5, 0, 0, 0) + many;
  EXPECT_EQ(error_of_input(counted + kFirst),
            "input: at byte 65552: expected the end after " + count + " operations");
  EXPECT_EQ(error_of_input(words(1, 1000000) + many + words(4, 0, 0, 0)),
            "input: at byte 65552: unknown kind 4 of an operation, expected 1 to 3");
  EXPECT_EQ(error_of_input(ended + words(6)),
            "input: at byte 65576: unknown kind 6 of an operation, expected 0 to 5");
  EXPECT_EQ(error_of_input(ended + words(1, 1, 0, 0)), "input: at byte 65584: slot 1 of 1");
  EXPECT_EQ(error_of_input(ended + words(1, 0, ~std::uint64_t{0}, 0)),
            "input: at byte 65584: a time that does not fit 64 bits as nanoseconds");
  EXPECT_EQ(error_of_input(ended),
            "input: at byte 65576: the input ends within the kind of an operation");
}

TEST(BytehoundImporterTest, IsRecognisedByWhatMakesSense) {
  const auto recognises = kBytehoundImporter.recognises;
  EXPECT_TRUE(recognises(words(1, 3) + kFirst + kRest));
  EXPECT_TRUE(recognises(words(1) + kFirst + kRest + words(0)));
  EXPECT_FALSE(recognises(words(1) + kFirst + kRest));
  EXPECT_FALSE(recognises(words(1, 2) + kFirst + kRest));
  EXPECT_FALSE(recognises(words(0, 3) + kFirst + kRest));
  EXPECT_FALSE(recognises(words(1, 3) + kFirst + kRest + "1"));
}

}  // namespace
}  // namespace replay
