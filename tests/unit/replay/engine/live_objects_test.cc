#include "replay/engine/live_objects.h"

#include <gtest/gtest.h>

#include <vector>

namespace replay {
namespace {

struct RoundingAllocator {
  void* allocate(std::size_t, std::size_t) noexcept { return nullptr; }
  void deallocate(void*) noexcept {}
  std::size_t usable_size(const void*) noexcept { return 48; }
};

template <class Allocator>
struct LiveObjectsOf {
  Allocator allocator;
  std::vector<LiveObject> slots = std::vector<LiveObject>(4);
  std::vector<std::uint64_t> cells = std::vector<std::uint64_t>(64);
  LiveObjects objects{slots.data(), PageCounts(cells.data(), cells.size(), 4096),
                      mem::AnyAllocator(allocator), true};
};
struct LiveObjectsTest : ::testing::Test, LiveObjectsOf<RoundingAllocator> {
  char memory[3 * 4096];
};

TEST_F(LiveObjectsTest, KeepsAddressSizeAndBirthOfWhatLives) {
  objects.settle(2, Op::kMalloc, 17, 40, memory);
  EXPECT_EQ(slots[2].address, memory);
  EXPECT_EQ(slots[2].size, 40U);
  EXPECT_EQ(slots[2].usable, 48U);
  EXPECT_EQ(slots[2].birth, 17U);
  EXPECT_EQ(objects.usable_bytes(), 48U);
  EXPECT_GE(objects.pages().pages(), 1U);
  objects.settle(2, Op::kFree, 18, 0, nullptr);
  EXPECT_EQ(slots[2].address, nullptr);
  EXPECT_EQ(objects.usable_bytes(), 0U);
  EXPECT_EQ(objects.pages().pages(), 0U);
}

TEST_F(LiveObjectsTest, AResizeMovesTheObjectAndKeepsItsBirth) {
  objects.settle(0, Op::kMalloc, 3, 10, memory);
  objects.settle(0, Op::kRealloc, 9, 2 * 4096, memory + 4096);
  EXPECT_EQ(slots[0].birth, 3U);
  EXPECT_EQ(slots[0].address, memory + 4096);
  EXPECT_EQ(objects.usable_bytes(), 48U);
  EXPECT_EQ(objects.pages().pages(), 3U);
}

TEST_F(LiveObjectsTest, AnAllocationThatFailedLeavesNothing) {
  objects.settle(1, Op::kMalloc, 3, 10, memory);
  objects.settle(1, Op::kRealloc, 4, 20, nullptr);
  EXPECT_EQ(slots[1].address, nullptr);
  EXPECT_EQ(objects.pages().pages(), 0U);
  objects.settle(1, Op::kRealloc, 5, 20, memory);  // allocates anew
  EXPECT_EQ(slots[1].birth, 5U);
}

struct UnbackedAllocator : RoundingAllocator {
  static constexpr bool kBacked = false;
};

TEST(LiveObjectsWithoutMemoryTest, StandOnNoPage) {
  LiveObjectsOf<UnbackedAllocator> unbacked;
  char place = 0;
  unbacked.objects.settle(0, Op::kMalloc, 0, 100, &place);
  EXPECT_EQ(unbacked.objects.pages().pages(), 0U);
  EXPECT_EQ(unbacked.objects.usable_bytes(), 48U);
}

TEST_F(LiveObjectsTest, AProbeCountsTheEventsOfItsLane) {
  LiveProbe probe(objects, 100);
  probe.settled(0, Op::kMalloc, 8, memory);
  probe.settled(1, Op::kMalloc, 8, memory + 64);
  EXPECT_EQ(slots[0].birth, 100U);
  EXPECT_EQ(slots[1].birth, 101U);
}

}  // namespace
}  // namespace replay
