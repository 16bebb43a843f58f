#include "core/allocators/system_allocator.h"

#include <gtest/gtest.h>

#include "core/base/bits.h"

namespace mem {
namespace {

static_assert(ZeroingAllocator<SystemAllocator> && ReallocatingAllocator<SystemAllocator>);
static_assert(SizedAllocator<SystemAllocator> && !CheckedAllocator<SystemAllocator>);

TEST(SystemAllocator, IsTheProcessMalloc) {
  SystemAllocator system;
  void* p = system.allocate(10, 0);
  EXPECT_EQ(system.usable_size(p), malloc_usable_size(p));
  p = system.reallocate(p, 1000);
  EXPECT_GE(system.usable_size(p), 1000u);
  free(p);
  void* aligned = system.allocate(10, 4096);
  EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(aligned), 4096));
  system.deallocate(aligned);
}

}  // namespace
}  // namespace mem
