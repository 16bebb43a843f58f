#include "replay/record/stacks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "replay/record/spool.h"
#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

// A stacks file written by hand.
class HandMadeStacks {
 public:
  HandMadeStacks() : words_(spool::kStacksHeaderWords) { words_[0] = spool::kStacksMagic; }

  std::uint64_t module(const std::string& path) {
    const std::uint64_t at = words_.size();
    words_.push_back(spool::kStacksModule | path.size() << 8);
    words_.resize(words_.size() + (path.size() + 7) / 8);
    std::memcpy(&words_[at + 1], path.data(), path.size());
    return at;
  }
  std::uint64_t stack(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& frames) {
    const std::uint64_t at = words_.size();
    words_.push_back(spool::kStacksStack | frames.size() << 8);
    words_.push_back(12345);
    for (const auto& [module, offset] : frames) {
      words_.push_back(module);
      words_.push_back(offset);
    }
    return at;
  }
  void push(std::uint64_t word) { words_.push_back(word); }
  std::uint64_t end() const { return words_.size(); }
  std::string write() {
    words_[1] = words_.size();
    const std::string path = dir_ / "stacks-0";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(words_.data()),
               static_cast<std::streamsize>(words_.size() * 8));
    return path;
  }

 private:
  test::TempFolder dir_;
  std::vector<std::uint64_t> words_;
};

TEST(Stacks, SharesWhatStacksHaveInCommon) {
  HandMadeStacks made;
  const std::uint64_t program = made.module(std::string("/usr/bin/program") + '\0');
  const std::uint64_t library = made.module(std::string("/usr/lib/lib.so") + '\0' + "0a0b");
  const std::uint64_t a = made.stack({{library, 0x10}, {program, 0x20}, {program, 0x30}});
  const std::uint64_t b = made.stack({{0, 0x99}, {program, 0x20}, {program, 0x30}});
  const std::uint64_t empty = made.stack({});
  const SiteTable table = read_stacks(made.write(), {b, a, empty});
  ASSERT_EQ(table.stacks.size(), 3u);
  EXPECT_EQ(table.nodes.size(), 4u);
  ASSERT_EQ(table.modules.size(), 2u);
  EXPECT_EQ(table.modules[0], (SiteTable::Module{"/usr/bin/program", ""}));
  EXPECT_EQ(table.modules[1], (SiteTable::Module{"/usr/lib/lib.so", "0a0b"}));
  const auto stack = table.stack(2);
  ASSERT_EQ(stack.size(), 3u);
  EXPECT_EQ(table.text(stack[0]), "/usr/lib/lib.so+0x10");
  EXPECT_EQ(table.text(stack[2]), "/usr/bin/program+0x30");
  EXPECT_EQ(table.text(table.stack(1)[0]), "?+0x99");
  EXPECT_TRUE(table.stack(3).empty());
}

TEST(Stacks, RefusesWhatIsNone) {
  HandMadeStacks made;
  const std::uint64_t module = made.module("m");
  const std::uint64_t cut = made.end();
  made.push(spool::kStacksStack | 100u << 8);
  const std::uint64_t huge = made.end();
  made.push(spool::kStacksStack | ~std::uint64_t{0} << 8);
  const std::string path = made.write();
  for (const std::uint64_t site : {module, cut, huge, std::uint64_t{3}, std::uint64_t{1} << 60}) {
    EXPECT_THROW(read_stacks(path, {site}), Error) << site;
  }
  EXPECT_THROW(read_stacks(path + "x", {}), Error);
  std::ofstream(path, std::ios::trunc) << std::string(8192, 'x');
  EXPECT_THROW(read_stacks(path, {}), Error);
}

}  // namespace
}  // namespace replay
