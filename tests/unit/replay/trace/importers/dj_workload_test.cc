#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kDjWorkloadImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

std::string code(int what, std::initializer_list<std::uint64_t> numbers = {}) {
  std::string bytes(1, static_cast<char>(what));
  for (std::uint64_t number : numbers) {
    std::string groups(1, static_cast<char>(number & 127));
    while (number > 127) {
      number >>= 7;
      groups.insert(groups.begin(), static_cast<char>((number & 127) | 128));
    }
    bytes += groups;
  }
  return bytes;
}

// The scripts of threads behind a main script that allots 9 pointers and 9 syncs.
std::string workload(const std::vector<std::string>& scripts) {
  std::string main = code(8, {9}) + code(9, {9}) + code(10, {scripts.size()});
  std::size_t offset = main.size() + 2 * scripts.size() + 1;
  std::string rest;
  for (const std::string& script : scripts) {
    main += code(11, {offset});
    offset += script.size();
    rest += script;
  }
  return main + code(1) + rest;
}

TEST(DjWorkloadImporterTest, ReadsEveryCode) {
  const auto imported =
      import(workload({code(0) + code(2, {1, 1000}) + code(3, {2, 120}) + code(12, {3, 64, 200}) +
                       code(13, {4, 10}) + code(14, {5, 11}) + code(15, {6, 256, 300}) +
                       code(4, {7, 1, 2000}) + code(4, {8, 0, 5}) + code(4, {0, 8, 0}) +
                       code(2, {0, 1}) + code(5, {7}) + code(5, {0}) + code(1)}));
  EXPECT_EQ(
      imported->events,
      (std::vector<Event>{
          test::malloc_of(0, 1000), test::calloc_of(1, 120), test::aligned_of(2, 200, 6),
          test::aligned_of(3, 10, 12), test::aligned_of(4, 11, 12), test::aligned_of(5, 300, 8),
          test::realloc_of(0, 2000), test::malloc_of(6, 5), test::free_of(6), test::free_of(0)}));
  EXPECT_EQ(imported->repaired("failed_calls"), 1U);
}

TEST(DjWorkloadImporterTest, ThreadsWaitForEachOther) {
  const auto imported = import(workload({code(7, {1}) + code(5, {1}) + code(6, {2}) + code(1),
                                         code(0) + code(0) + code(2, {1, 8}) + code(6, {1}) +
                                             code(7, {2}) + code(2, {1, 9}) + code(1)}));
  ASSERT_EQ(imported->events.size(), 3U);
  EXPECT_EQ(imported->events[1].op, Op::kFree);
  EXPECT_EQ(imported->events[1].thread, 1U);
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(DjWorkloadImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_input(workload({code(7, {3}) + code(1)})),
            "input: at byte 9: no thread gives sync 3, for which a thread waits here");
  EXPECT_EQ(error_of_input(workload({code(2, {1, 8})})),
            "input: at byte 12: a script ends without DONE");
  EXPECT_EQ(error_of_input(workload({code(8, {1})})),
            "input: at byte 9: expected a code of a thread's script: 0 to 7 or 12 to 15");
  EXPECT_EQ(error_of_input(workload({code(2, {10, 8})})),
            "input: at byte 9: pointer 10 of 9 that the main script allots");
  EXPECT_EQ(error_of_input(workload({code(6, {10})})),
            "input: at byte 9: sync 10 of 9 that the main script allots");
  EXPECT_EQ(error_of_input(workload({code(2, {1}) + "\x81"})),
            "input: at byte 11: expected a size, a number of at most 64 bits");
  EXPECT_EQ(error_of_input(code(8, {9}) + code(11, {0}) + code(1)),
            "input: at byte 0: a thread's script begins within the main script");
  EXPECT_EQ(error_of_input(code(11, {5}) + code(11, {5}) + code(1) + code(1)),
            "input: at byte 0: two threads have the same script");
  EXPECT_EQ(error_of_input(code(11, {50}) + code(1)),
            "input: at byte 0: a thread's script begins beyond the end");
  EXPECT_EQ(error_of_input(code(2, {1, 1})),
            "input: at byte 0: expected a code of the main script: 0, 1 or 8 to 11");
  EXPECT_EQ(error_of_input(""), "input: at byte 0: a script ends without DONE");
}

TEST(DjWorkloadImporterTest, IsRecognised) {
  EXPECT_TRUE(kDjWorkloadImporter.recognises(workload({code(1)})));
  EXPECT_FALSE(kDjWorkloadImporter.recognises(workload({})));
  EXPECT_FALSE(kDjWorkloadImporter.recognises(code(8, {9})));
}

}  // namespace
}  // namespace replay
