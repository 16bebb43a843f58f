#include "replay/trace/site_table.h"

#include <gtest/gtest.h>

#include <random>

#include "replay/trace/format.h"

namespace replay {
namespace {

SiteTable sample() {
  SiteTable table;
  table.strings = {"main", "a.c", ""};
  table.modules = {{"/usr/bin/program", "abcdef"}, {"/lib/libc.so", ""}};
  table.frames = {{1, 0x1234, 1, 2, 77}, {2, ~std::uint64_t{0}, 0, 0, 0}, {0, 1, 1, 0, 0}};
  table.nodes = {{0, 0}, {1, 1}, {1, 2}};
  table.stacks = {2, 3, 0};
  return table;
}

struct Decoded {
  std::string problem;
  SiteTable table;
};

Decoded decode(const std::string& bytes) {
  Decoded result;
  std::uint32_t compressed = 0;
  std::uint32_t raw = 0;
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() < format::sites::kHeadSize) return {"short", {}};
  result.problem = decode_site_head(from, &compressed, &raw);
  if (!result.problem.empty()) return result;
  if (bytes.size() - format::sites::kHeadSize != compressed) return {"size", {}};
  result.problem =
      decode_site_table({from + format::sites::kHeadSize, compressed}, raw, &result.table);
  return result;
}

TEST(SiteTable, RoundTrips) {
  for (const SiteTable& table : {SiteTable{}, sample()}) {
    const Decoded decoded = decode(encode_site_table(table));
    EXPECT_EQ(decoded.problem, "");
    EXPECT_EQ(decoded.table, table);
  }
}

TEST(SiteTable, TellsAStackFromTheInside) {
  const SiteTable table = sample();
  const auto stack = table.stack(1);
  ASSERT_EQ(stack.size(), 2u);
  EXPECT_EQ(table.text(stack[0]), "/lib/libc.so+0xffffffffffffffff");
  EXPECT_EQ(table.text(stack[1]), "main (a.c:77)");
  EXPECT_EQ(table.text(table.stack(2)[0]), "main (?)");
  EXPECT_TRUE(table.stack(0).empty());
  EXPECT_TRUE(table.stack(3).empty());
  EXPECT_TRUE(table.stack(4).empty());
}

TEST(SiteTable, RefusesWhatNamesWhatIsNotThere) {
  const auto problem_with = [](auto change) {
    SiteTable table = sample();
    change(table);
    return decode(encode_site_table(table)).problem;
  };
  const std::string expected = "the call sites do not add up";
  EXPECT_EQ(problem_with([](SiteTable& t) { t.frames[0].module = 3; }), expected);
  EXPECT_EQ(problem_with([](SiteTable& t) { t.frames[0].function = 4; }), expected);
  EXPECT_EQ(problem_with([](SiteTable& t) { t.nodes[1].parent = 2; }), expected);  // its own
  EXPECT_EQ(problem_with([](SiteTable& t) { t.nodes[1].frame = 3; }), expected);
  EXPECT_EQ(problem_with([](SiteTable& t) { t.stacks[0] = 4; }), expected);
}

TEST(SiteTable, DamageIsFound) {
  const std::string good = encode_site_table(sample());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    const Decoded decoded = decode(bytes);
    if (decoded.problem.empty()) {
      EXPECT_EQ(decoded.table, sample()) << at;
    }
  }
  EXPECT_NE(decode(good.substr(0, good.size() - 1)).problem, "");
}

}  // namespace
}  // namespace replay
