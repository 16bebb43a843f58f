#include "replay/trace/tools/site_merge.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

SiteTable table_to_merge() {
  SiteTable table;
  table.strings = {"main", "parse(char*)", "a.c"};
  table.modules = {{"/usr/bin/program", "abcdef"}, {"/lib/libc.so", ""}};
  table.frames = {{1, 0x1234, 1, 3, 77}, {1, 0x99, 2, 0, 0}, {2, 0x77, 0, 0, 0}};
  table.nodes = {{0, 0}, {1, 1}, {2, 2}, {0, 2}};
  table.stacks = {3, 1, 0, 4};  // libc < parse < main; main; nothing; libc
  return table;
}

std::vector<std::string> texts(const SiteTable& table, std::uint32_t site) {
  std::vector<std::string> result;
  for (const SiteTable::Frame& frame : table.stack(site)) result.push_back(table.text(frame));
  return result;
}

TEST(SiteMerge, EveryStackStaysWhatItWas) {
  SiteTable other;
  other.strings = {"a.c", "other"};
  other.modules = {{"/lib/libc.so", ""}, {"/lib/libc.so", "another build"}};
  other.frames = {{2, 5, 2, 1, 6}, {1, 0x77, 0, 0, 0}};
  other.nodes = {{0, 0}, {1, 1}};
  other.stacks = {2, 0};
  SiteTable all = table_to_merge();
  append_sites(other, &all);
  append_sites({}, &all);
  append_sites(table_to_merge(), &all);
  for (std::uint32_t site = 1; site <= 4; ++site) {
    EXPECT_EQ(texts(all, site), texts(table_to_merge(), site));
    EXPECT_EQ(texts(all, site + 6), texts(table_to_merge(), site));
  }
  EXPECT_EQ(texts(all, 5), texts(other, 1));
  EXPECT_TRUE(texts(all, 6).empty());
  EXPECT_EQ(all.stacks.size(), 10U);
}

TEST(SiteMerge, StringsAndModulesAreShared) {
  SiteTable all = table_to_merge();
  append_sites(table_to_merge(), &all);
  EXPECT_EQ(all.strings, table_to_merge().strings);
  EXPECT_EQ(all.modules, table_to_merge().modules);
}

// A table may have what it needs not.
TEST(SiteMerge, DoublesDoNotShiftNumbers) {
  SiteTable all;
  all.strings = {"x", "x", "y"};
  SiteTable from = all;
  from.frames = {{0, 0, 3, 0, 0}};
  from.nodes = {{0, 0}};
  from.stacks = {1};
  append_sites(from, &all);
  EXPECT_EQ(texts(all, 1), std::vector<std::string>{"y (?)"});
}

}  // namespace
}  // namespace replay
