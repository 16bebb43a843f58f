#include "core/mem/heap.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

static_assert(ZeroingAllocator<Heap<SegregatedConfig>> &&
              ReallocatingAllocator<Heap<SegregatedConfig>>);
static_assert(SizedAllocator<Heap<SegregatedConfig>> && PurgingAllocator<Heap<SegregatedConfig>>);
static_assert(CheckedAllocator<Heap<SegregatedConfig>> &&
              CountingAllocator<Heap<SegregatedConfig>>);

constinit Heap<SegregatedConfig> global_heap;

TEST(Heap, ServesAllOperations) {
  void* p = global_heap.allocate(100, 0);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(global_heap.stats().total_allocated_bytes, 100u);
  EXPECT_GE(global_heap.usable_size(p), 100u);
  p = global_heap.reallocate(p, 200);
  EXPECT_EQ(global_heap.stats().total_allocated_bytes, 200u);
  global_heap.deallocate(p);
  global_heap.deallocate(global_heap.allocate_zeroed(10));
  EXPECT_EQ(global_heap.stats().live_blocks, 0u);
  EXPECT_GT(global_heap.purge(), 0u);
  EXPECT_EQ(global_heap.check(), 0);
}

TEST(Heap, StaysOpenAroundFork) {
  global_heap.lock_for_fork();
  global_heap.unlock_in_parent();
  global_heap.deallocate(global_heap.allocate(1, 0));
  global_heap.lock_for_fork();
  global_heap.unlock_in_child();
  global_heap.deallocate(global_heap.allocate(1, 0));
}

}  // namespace
}  // namespace mem
