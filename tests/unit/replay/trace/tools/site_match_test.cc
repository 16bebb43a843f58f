#include "replay/trace/tools/site_match.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

SiteTable sample() {
  SiteTable table;
  table.strings = {"main", "parse(char*)", "a.c"};
  table.modules = {{"/usr/bin/program", "abcdef"}, {"/lib/libc.so", ""}};
  table.frames = {{1, 0x1234, 1, 3, 77}, {1, 0x99, 2, 0, 0}, {2, 0x77, 0, 0, 0}};
  table.nodes = {{0, 0}, {1, 1}, {2, 2}, {0, 2}};
  table.stacks = {3, 1, 0, 4};  // libc < parse < main; main; nothing; libc
  return table;
}

std::vector<bool> matching(const std::vector<std::string>& texts) {
  return matching_sites(sample(), texts);
}

TEST(SiteMatch, AnyFrameOfAStackMayMatch) {
  EXPECT_EQ(matching({"main"}), (std::vector<bool>{false, true, true, false, false}));
  EXPECT_EQ(matching({"a.c:77"}), (std::vector<bool>{false, true, true, false, false}));
  EXPECT_EQ(matching({"libc.so+0x77"}), (std::vector<bool>{false, true, false, false, true}));
  EXPECT_EQ(matching({"nobody", "main"}), (std::vector<bool>{false, true, true, false, false}));
  EXPECT_EQ(matching({"nobody"}), (std::vector<bool>{false, false, false, false, false}));
}

TEST(SiteMatch, ATextIsTakenWordForWordAndAsARegularExpression) {
  EXPECT_EQ(matching({"parse(char*)"}), (std::vector<bool>{false, true, false, false, false}));
  EXPECT_EQ(matching({"^pa(r|x)se"}), (std::vector<bool>{false, true, false, false, false}));
  EXPECT_EQ(matching({"^main .*[0-9]"}), (std::vector<bool>{false, true, true, false, false}));
  EXPECT_EQ(matching({"parse("}), (std::vector<bool>{false, true, false, false, false}));
}

TEST(SiteMatch, AnEmptyTableHasOnlyWhatIsNotKnown) {
  EXPECT_EQ(matching_sites({}, {"."}), std::vector<bool>{false});
}

}  // namespace
}  // namespace replay
