#include "core/alloc/any_allocator.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

struct Least {
  void* allocate(std::size_t size, std::size_t align) noexcept {
    size_seen = size;
    align_seen = align;
    return this;
  }
  void deallocate(void* p) noexcept { freed = p; }
  std::size_t size_seen = 0;
  std::size_t align_seen = 0;
  void* freed = nullptr;
};

struct Unbacked : Least {
  static constexpr bool kBacked = false;
  int check() noexcept { return 7; }
};

TEST(AnyAllocator, ForwardsToTheObject) {
  Least least;
  const AnyAllocator any(least);
  EXPECT_EQ(any.allocate(3, 16), &least);
  EXPECT_EQ(least.size_seen, 3u);
  EXPECT_EQ(least.align_seen, 16u);
  any.deallocate(&least);
  EXPECT_EQ(least.freed, &least);
}

TEST(AnyAllocator, AMissingMethodIsAMissingCapability) {
  Least least;
  const AllocatorTable& table = AnyAllocator(least).table();
  EXPECT_EQ(table.reallocate, nullptr);
  EXPECT_EQ(table.allocate_zeroed, nullptr);
  EXPECT_EQ(table.usable_size, nullptr);
  EXPECT_EQ(table.purge, nullptr);
  EXPECT_EQ(table.check, nullptr);
  EXPECT_EQ(table.stats, nullptr);
  EXPECT_TRUE(table.backed);
  Unbacked unbacked;
  const AnyAllocator any(unbacked);
  EXPECT_FALSE(any.table().backed);
  EXPECT_EQ(any.table().check(any.self()), 7);
}

}  // namespace
}  // namespace mem
