#include "replay/record/symbolise.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <filesystem>

namespace replay {
namespace {

extern "C" __attribute__((noinline)) void* a_name_to_be_found() {
  return __builtin_return_address(0);
}

std::uint64_t offset_in_this_program() {
  const auto address = reinterpret_cast<std::uint64_t>(&a_name_to_be_found);
  Dl_info info{};
  link_map* map = nullptr;
  const int found = dladdr1(reinterpret_cast<void*>(address), &info, reinterpret_cast<void**>(&map),
                            RTLD_DL_LINKMAP);
  EXPECT_NE(found, 0);
  return found == 0 ? 0 : address - map->l_addr;
}

TEST(Symbolise, FindsFunctionFileAndBuildIdOfThisProgram) {
  SiteTable table;
  table.modules.push_back({std::filesystem::read_symlink("/proc/self/exe").string(), ""});
  table.frames.push_back({.module = 1, .offset = offset_in_this_program() + 2});
  symbolise(table);
  const SiteTable::Frame& frame = table.frames[0];
  ASSERT_NE(frame.function, 0u);
  EXPECT_EQ(table.strings[frame.function - 1], "a_name_to_be_found");
  EXPECT_FALSE(table.modules[0].build_id.empty());
  if (frame.file == 0) GTEST_SKIP() << "built without debug information";
  EXPECT_TRUE(table.strings[frame.file - 1].ends_with("symbolise_test.cc"));
  EXPECT_GT(frame.line, 0u);
}

TEST(Symbolise, AsksNoFileThatTookTheRecordedOnesPlace) {
  SiteTable table;
  table.modules.push_back({std::filesystem::read_symlink("/proc/self/exe").string(), "00ff"});
  table.frames.push_back({.module = 1, .offset = offset_in_this_program() + 2});
  const SiteTable before = table;
  symbolise(table);
  EXPECT_EQ(table, before);
}

TEST(Symbolise, LeavesWhatItDoesNotKnow) {
  SiteTable table;
  table.modules.push_back({"/no/such/file", ""});
  table.modules.push_back({"/etc/passwd", ""});
  table.frames = {
      {.module = 0, .offset = 5}, {.module = 1, .offset = 6}, {.module = 2, .offset = 7}};
  const SiteTable before = table;
  symbolise(table);
  EXPECT_EQ(table, before);
}

}  // namespace
}  // namespace replay
