#include "core/mem/heap.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

static_assert(ZeroingAllocator<Heap<SegregatedConfig>> &&
              ReallocatingAllocator<Heap<SegregatedConfig>>);
static_assert(SizedAllocator<Heap<SegregatedConfig>> && PurgingAllocator<Heap<SegregatedConfig>>);
static_assert(CheckedAllocator<Heap<SegregatedConfig>> &&
              CountingAllocator<Heap<SegregatedConfig>>);

constinit Heap<SegregatedConfig> heap;

TEST(Heap, ServesAllOperations) {
  void* p = heap.allocate(100, 0);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(heap.stats().total_allocated_bytes, 100u);
  EXPECT_GE(heap.usable_size(p), 100u);
  p = heap.reallocate(p, 200);
  EXPECT_EQ(heap.stats().total_allocated_bytes, 200u);
  heap.deallocate(p);
  heap.deallocate(heap.allocate_zeroed(10));
  EXPECT_EQ(heap.stats().live_blocks, 0u);
  EXPECT_GT(heap.purge(), 0u);
  EXPECT_EQ(heap.check(), 0);
}

TEST(Heap, StaysOpenAroundFork) {
  heap.lock_for_fork();
  heap.unlock_in_parent();
  heap.deallocate(heap.allocate(1, 0));
  heap.lock_for_fork();
  heap.unlock_in_child();
  heap.deallocate(heap.allocate(1, 0));
}

}  // namespace
}  // namespace mem
