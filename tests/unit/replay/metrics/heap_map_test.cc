#include "replay/metrics/heap_map.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

constexpr std::uint64_t kPage = 4096;

LiveObject object(std::uint64_t address, std::uint64_t size, std::uint64_t birth) {
  return {reinterpret_cast<const void*>(address), size, size, birth};
}

// Page 10 is full of one object that reaches into page 11, where 96 bytes of another one are;
// page 12 has a small object and is not resident; 13 to 15 are free; page 2 was there before.
RunOutcome made_heap() {
  RunOutcome run = test::made_outcome(1);
  run.snapshot.backed = true;
  run.live_objects = {object(12 * kPage, 8, 70), object(11 * kPage + 500, 96, 60),
                      object(10 * kPage, kPage + 4, 50), object(11 * kPage + 900, 0, 55)};
  run.page_runs = {{2 * kPage, 1}, {2 * kPage, 1}, {10 * kPage, 2}, {13 * kPage, 3}};
  run.snapshot.baseline_runs = 1;
  run.snapshot.runs = 4;
  return run;
}

TEST(HeapMapTest, EveryPageWithALiveByteHasItsShare) {
  const HeapMap map = heap_map(test::made_plan(), 1, "peak", made_heap());
  EXPECT_EQ(map.why_absent, "");
  EXPECT_EQ(map.event, 10U);
  ASSERT_EQ(map.pages.size(), 3U);
  EXPECT_EQ(map.pages[0].live_bytes, kPage);
  EXPECT_EQ(map.pages[0].objects, 1U);
  EXPECT_TRUE(map.pages[0].resident);
  EXPECT_EQ(map.pages[1].address, 11 * kPage);
  EXPECT_EQ(map.pages[1].live_bytes, 4U + 96);
  EXPECT_EQ(map.pages[1].objects, 2U);
  EXPECT_FALSE(map.pages[2].resident);
}

TEST(HeapMapTest, ResidentPagesWithoutOneAreFreeUnlessTheyWereThereBefore) {
  const HeapMap map = heap_map(test::made_plan(), 1, "peak", made_heap());
  ASSERT_EQ(map.free_runs.size(), 1U);
  EXPECT_EQ(map.free_runs[0].address, 13 * kPage);
  EXPECT_EQ(map.free_runs[0].pages, 3U);
}

TEST(HeapMapTest, SparsePagesNameTheObjectsThatPinThem) {
  const HeapMap map = heap_map(test::made_plan(), 1, "peak", made_heap());
  ASSERT_EQ(map.sparse.size(), 1U);  // page 12 is sparse too, but not held
  EXPECT_EQ(map.sparse[0].address, 11 * kPage);
  ASSERT_EQ(map.sparse[0].objects.size(), 2U);
  EXPECT_EQ(map.sparse[0].objects[0].birth_event, 50U);
  EXPECT_EQ(map.sparse[0].objects[1].birth_event, 60U);
  EXPECT_EQ(map.sparse[0].objects[1].size_bytes, 96U);
  EXPECT_EQ(map.sparse[0].objects[1].address, 11 * kPage + 500);
}

TEST(HeapMapTest, WhatCannotBeDrawnHasAReason) {
  RunOutcome run = made_heap();
  run.snapshot.runs = 5;
  EXPECT_FALSE(heap_map(test::made_plan(), 1, "peak", run).why_absent.empty());
  run.snapshot.runs = 0;
  EXPECT_FALSE(heap_map(test::made_plan(), 1, "peak", run).why_absent.empty());
  run = made_heap();
  run.snapshot.backed = false;
  const HeapMap map = heap_map(test::made_plan(), 1, "peak", run);
  EXPECT_FALSE(map.why_absent.empty());
  EXPECT_TRUE(map.pages.empty());
}

}  // namespace
}  // namespace replay
