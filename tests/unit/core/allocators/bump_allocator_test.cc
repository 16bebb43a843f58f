#include "core/allocators/bump_allocator.h"

#include <gtest/gtest.h>

#include "core/base/bits.h"

namespace mem {
namespace {

std::uintptr_t address(void* p) { return reinterpret_cast<std::uintptr_t>(p); }

TEST(BumpAllocator, HandsOutConsecutiveBytes) {
  BumpAllocator bump;
  void* a = bump.allocate(10, 0);
  void* b = bump.allocate(0, 0);
  void* c = bump.allocate(1, 64);
  EXPECT_EQ(address(b), address(a) + 16);
  EXPECT_GT(address(c), address(b));
  EXPECT_TRUE(is_aligned(address(c), 64));
  bump.deallocate(a);
  EXPECT_NE(bump.allocate(10, 0), a);
}

TEST(BumpAllocator, ServesWhatIsLargerThanAChunkAndGoesOn) {
  BumpAllocator bump;
  void* a = bump.allocate(8, 0);
  auto* large = static_cast<unsigned char*>(bump.allocate(std::size_t{5} << 20, 0));
  ASSERT_NE(large, nullptr);
  large[(std::size_t{5} << 20) - 1] = 1;
  EXPECT_EQ(address(bump.allocate(8, 0)), address(a) + 16);
}

TEST(BumpAllocator, RefusesTheImpossible) {
  BumpAllocator bump;
  EXPECT_EQ(bump.allocate(SIZE_MAX, 0), nullptr);
  EXPECT_EQ(bump.allocate(std::size_t{1} << 50, 0), nullptr);
  EXPECT_NE(bump.allocate(1, std::size_t{1} << 30), nullptr);
}

}  // namespace
}  // namespace mem
