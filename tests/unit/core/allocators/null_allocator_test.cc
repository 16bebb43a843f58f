#include "core/allocators/null_allocator.h"

#include <gtest/gtest.h>

#include "core/alloc/allocator.h"
#include "core/base/bits.h"

namespace mem {
namespace {

static_assert(Allocator<NullAllocator> && ReallocatingAllocator<NullAllocator>);
static_assert(!kIsBacked<NullAllocator> && !SizedAllocator<NullAllocator>);

TEST(NullAllocator, AnswersOneAlignedAddress) {
  NullAllocator null;
  void* p = null.allocate(1, 0);
  EXPECT_NE(p, nullptr);
  EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p), 64));
  EXPECT_EQ(null.allocate(std::size_t{1} << 60, 16), p);
  EXPECT_EQ(null.reallocate(p, 5), p);
  null.deallocate(p);
}

}  // namespace
}  // namespace mem
