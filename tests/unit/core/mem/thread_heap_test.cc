#include "core/mem/thread_heap.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

namespace mem {
namespace {

TEST(ThreadHeapTest, StartsWithEmptyBinsAndNoSlabs) {
  const auto heap = std::make_unique<ThreadHeap>();
  for (unsigned bin = 0; bin < kBins; ++bin) {
    EXPECT_EQ(heap->bins[bin], &no_slab);
    EXPECT_EQ(heap->loose[bin].free, nullptr);
    EXPECT_EQ(heap->object_bytes[bin], 0);
    EXPECT_EQ(heap->current[bin], &no_slab);
    EXPECT_EQ(heap->available[bin].first(), nullptr);
    EXPECT_EQ(heap->sparse[bin].first(), nullptr);
    EXPECT_EQ(heap->kept[bin], nullptr);
  }
  EXPECT_EQ(heap->pending.load(), nullptr);
  EXPECT_FALSE(heap->is_orphan.load());
}

// What stands for "no slab" has nothing to give: neither free objects nor any still to be carved.
TEST(ThreadHeapTest, NoSlabIsExhausted) {
  EXPECT_EQ(no_slab.free, nullptr);
  EXPECT_EQ(no_slab.carved, no_slab.capacity);
  EXPECT_EQ(no_slab.owner.load(), nullptr);
  EXPECT_FALSE(no_slab.is_owned());
}

// Others write to `pending`; what the owner alone uses must not share its cache line.
TEST(ThreadHeapTest, WhatOthersWriteToHasALineOfItsOwn) {
  const auto heap = std::make_unique<ThreadHeap>();
  const auto start = reinterpret_cast<std::uintptr_t>(heap.get());
  const std::uintptr_t line = (reinterpret_cast<std::uintptr_t>(&heap->pending) - start) / 64;
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(&heap->pending) - start) % 64, 0u);
  EXPECT_LT((reinterpret_cast<std::uintptr_t>(&heap->next_orphan + 1) - start - 1) / 64, line);
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(&heap->is_orphan) - start) / 64, line);
}

TEST(ThreadHeapTest, ForgetsWhatABinHadCached) {
  const auto heap = std::make_unique<ThreadHeap>();
  heap->cached[3] = 30;
  heap->cached[4] = 12;
  heap->cached_granules = 42;
  heap->forget_cached(3);
  EXPECT_EQ(heap->cached[3], 0);
  EXPECT_EQ(heap->cached[4], 12);
  EXPECT_EQ(heap->cached_granules, 12u);
  heap->forget_cached(3);
  EXPECT_EQ(heap->cached_granules, 12u);
}

}  // namespace
}  // namespace mem
