#include "replay/floor/class_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mem/size_class.h"
#include "replay/trace/error.h"
#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

std::uint64_t rounded(const ClassTable& table, std::uint64_t bytes) {
  const std::size_t index = table.class_of(bytes);
  return index == table.sizes().size() ? 0 : table.sizes()[index];
}

TEST(ClassTableTest, OwnTableIsThatOfMem) {
  const ClassTable table = parse_class_table("mem");
  ASSERT_EQ(table.sizes().size(), mem::kBins - 1);
  for (unsigned bin = 1; bin < mem::kBins; ++bin) {
    EXPECT_EQ(table.sizes()[bin - 1], mem::bin_bytes(bin)) << bin;
  }
}

TEST(ClassTableTest, JemallocHasFourClassesADoubling) {
  const ClassTable table = parse_class_table("jemalloc");
  const std::vector<std::uint64_t> first = {8,   16,  32,  48,  64,  80,  96,  112,
                                            128, 160, 192, 224, 256, 320, 384, 448};
  EXPECT_EQ(std::vector<std::uint64_t>(table.sizes().begin(), table.sizes().begin() + 16), first);
  EXPECT_EQ(rounded(table, 16 * 1024 + 1), 20 * 1024U);
  EXPECT_EQ(table.sizes().back(), std::uint64_t{1} << 32);
}

TEST(ClassTableTest, PowersBeginAtSixteen) {
  const ClassTable table = parse_class_table("powers");
  EXPECT_EQ(rounded(table, 0), 16U);
  EXPECT_EQ(rounded(table, 17), 32U);
  EXPECT_EQ(rounded(table, 65537), 131072U);
}

TEST(ClassTableTest, EachSizeGoesToTheLeastClassThatHoldsIt) {
  const ClassTable table = parse_class_table("1000, 24,3,1200,24");
  EXPECT_EQ(table.name(), "1000, 24,3,1200,24");
  EXPECT_EQ(table.sizes(), (std::vector<std::uint64_t>{3, 24, 1000, 1200}));
  const std::pair<std::uint64_t, std::size_t> expected[] = {
      {0, 0},    {1, 0},    {3, 0},    {4, 1},    {24, 1},  {25, 2},
      {1000, 2}, {1001, 3}, {1025, 3}, {1200, 3}, {1201, 4}};
  for (const auto& [bytes, index] : expected) EXPECT_EQ(table.class_of(bytes), index) << bytes;
}

TEST(ClassTableTest, AFileHasOneSizeALine) {
  const test::TempFolder folder;
  const std::string path = folder / "classes.txt";
  test::write_file(path, "# mine\n  32 \r\n\n64 # and this\n16");
  EXPECT_EQ(parse_class_table(path).sizes(), (std::vector<std::uint64_t>{16, 32, 64}));
}

TEST(ClassTableTest, WhatIsNoTableIsAUsageError) {
  const test::TempFolder folder;
  test::write_file(folder / "empty", "# none\n");
  test::write_file(folder / "bad", "16\nx\n");
  const std::pair<std::string, std::string> wrong[] = {
      {"tcmalloc", "neither one of mem, powers, jemalloc"},
      {"16,0", "'0' in 16,0 is no size"},
      {"16,,32", "'' in 16,,32 is no size"},
      {"99999999999", "from 1 to 2^32"},
      {folder / "empty", "there are no sizes"},
      {folder / "bad", "bad:2) is no size"},
      {folder / "none", "No such file"}};
  for (const auto& [text, message] : wrong) {
    try {
      parse_class_table(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage) << text;
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace replay
