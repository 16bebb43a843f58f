#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view input) { return test::import_bytes(kCmtTextImporter, input); }

std::string error_of_input(std::string_view input) {
  return test::error_of([&] { import(input); });
}

TEST(CmtTextImporterTest, ReadsEveryCall) {
  const auto imported = import(
      "malloc(8) = 81d220b48<6655>\n"
      "realloc(81d220b48<6655>, 16) = 81d3b83a0<6656>    # 8 bytes, allocated 1 lines ago\n"
      "malloc(20) = 81d3b83a0<6657>\n"
      "free(81d3b83a0<6656>)  # 16 bytes\n");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 8), test::realloc_of(0, 16),
                                                  test::malloc_of(1, 20), test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
}

TEST(CmtTextImporterTest, SaysWhatItExpected) {
  const std::string start = "malloc(8) = 81d220b48<1>\n";
  for (const std::string wrong :
       {"hello", "malloc(8)", "malloc(x) = 8<1>", "malloc(8) = 0x8<1>", "malloc(8) = 8<0>",
        "malloc(8) = 8<1> x", "free(8)", "realloc(8<1>,16) = 8<1>", "realloc(8, 16) = 8<1>"}) {
    EXPECT_EQ(error_of_input(start + wrong + "\n"),
              "input: line 2, at byte 25: expected 'malloc(SIZE) = POINTER<TAG>', "
              "'realloc(POINTER<TAG>, SIZE) = POINTER<TAG>' or 'free(POINTER<TAG>)'")
        << wrong;
  }
}

TEST(CmtTextImporterTest, IsRecognised) {
  EXPECT_TRUE(kCmtTextImporter.recognises("free(81d3b83a0<6656>)\n"));
  EXPECT_FALSE(kCmtTextImporter.recognises("malloc(8) = 0x10\n"));
}

}  // namespace
}  // namespace replay
