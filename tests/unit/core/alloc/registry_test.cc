#include "core/alloc/registry.h"

#include <gtest/gtest.h>
#include <string.h>

#include <set>
#include <string>

namespace mem {
namespace {

TEST(Registry, NamesAreUniqueAndFound) {
  std::set<std::string> names;
  for (const AllocatorEntry& entry : registered_allocators()) {
    EXPECT_TRUE(names.insert(entry.name).second);
    EXPECT_EQ(find_allocator(entry.name), &entry);
    EXPECT_GT(strlen(entry.summary), 0u);
  }
  EXPECT_EQ(names, (std::set<std::string>{"mem", "mem-classic", "glibc", "null", "bump"}));
  EXPECT_EQ(find_allocator("no-such"), nullptr);
}

TEST(Registry, SaysHowEachIsReached) {
  EXPECT_EQ(find_allocator("mem")->binding, Binding::kPreload);
  EXPECT_STREQ(find_allocator("mem")->library, "libmem.so");
  EXPECT_EQ(find_allocator("glibc")->binding, Binding::kPreload);
  EXPECT_EQ(find_allocator("glibc")->library, nullptr);
  EXPECT_EQ(find_allocator("null")->binding, Binding::kInProcess);
  EXPECT_FALSE(find_allocator("null")->instance().table().backed);
}

}  // namespace
}  // namespace mem
