#include "core/mem/block_heap.h"

#include <gtest/gtest.h>
#include <string.h>

#include <memory>
#include <vector>

#include "core/mem/block_heap_check.h"
#include "core/mem/block_heap_impl.h"
#include "core/os/simulated_pages.h"

namespace mem {
namespace {

template <class Config>
class BlockHeapTest : public testing::Test {
 protected:
  using Blocks = BlockHeap<Config, SimulatedPages>;
  static constexpr std::size_t kRegionPages = Config::kRegionBytes / kPageBytes;

  ~BlockHeapTest() override { EXPECT_EQ(heap().check(), 0); }

  Blocks& heap() { return *heap_; }
  unsigned char* allocate(std::size_t size, std::size_t align = 0) {
    return static_cast<unsigned char*>(heap_->allocate(size, align));
  }
  std::uint64_t calls(PageCall kind) { return heap_->pages().calls(kind); }
  std::size_t free_blocks() { return heap_->stats().free_blocks; }

 private:
  std::unique_ptr<Blocks> heap_ = std::make_unique<Blocks>();
};

using Configs = testing::Types<ClassicConfig, SegregatedConfig>;
TYPED_TEST_SUITE(BlockHeapTest, Configs);

TYPED_TEST(BlockHeapTest, SplitsAndCarvesFromTheFront) {
  unsigned char* a = this->allocate(100);
  unsigned char* b = this->allocate(100);
  const std::size_t step = align_up(116, TypeParam::kAlignBytes);
  EXPECT_EQ(b, a + step);
  EXPECT_EQ(this->free_blocks(), 1u);
  EXPECT_EQ(this->calls(PageCall::kMap), 2u);  // the region table and one region
}

TYPED_TEST(BlockHeapTest, CoalescesInEveryOrder) {
  const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    unsigned char* p[3];
    for (auto& each : p) each = this->allocate(64);
    unsigned char* wall = this->allocate(64);
    for (int i : order) {
      this->heap().deallocate(p[i]);
      ASSERT_EQ(this->heap().check(), 0);
    }
    EXPECT_EQ(this->free_blocks(), 2u);  // the three as one, and the rest of the region
    // Their union holds what they held and the two headers between; not a byte more.
    const std::size_t all = 3 * 80 - Block::kHeaderBytes;
    unsigned char* joined = this->allocate(all);
    EXPECT_EQ(joined, p[0]);
    this->heap().deallocate(joined);
    this->heap().deallocate(wall);
  }
}

TYPED_TEST(BlockHeapTest, DoesNotCoalesceOverALiveBlock) {
  unsigned char* a = this->allocate(64);
  unsigned char* b = this->allocate(64);
  unsigned char* c = this->allocate(64);
  unsigned char* wall = this->allocate(64);
  memset(b, 0x5a, 64);
  this->heap().deallocate(a);
  this->heap().deallocate(c);
  EXPECT_EQ(this->free_blocks(), 3u);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(b[i], 0x5a);
  this->heap().deallocate(b);
  this->heap().deallocate(wall);
}

TYPED_TEST(BlockHeapTest, ReusesTheLatestFreeBlock) {
  unsigned char* a = this->allocate(64);
  this->allocate(64);
  unsigned char* c = this->allocate(64);
  this->allocate(64);
  this->heap().deallocate(a);
  this->heap().deallocate(c);
  EXPECT_EQ(this->allocate(64), c);
  EXPECT_EQ(this->allocate(64), a);
}

TYPED_TEST(BlockHeapTest, ARestTooSmallForABlockStaysWithTheBlock) {
  unsigned char* a = this->allocate(80);
  this->allocate(16);
  this->heap().deallocate(a);
  const std::size_t usable = align_up(96, TypeParam::kAlignBytes) - Block::kHeaderBytes;
  EXPECT_EQ(this->allocate(80 - 24), a);
  EXPECT_EQ(this->heap().usable_size(a), usable);
  EXPECT_EQ(this->heap().stats().total_allocated_bytes, 16u + 56u);
  this->heap().deallocate(a);
  EXPECT_EQ(this->allocate(80 - 32), a);  // now 32 bytes are left, and become a block
  EXPECT_EQ(this->heap().usable_size(a), 48u);
}

TYPED_TEST(BlockHeapTest, KeepsOneEmptyRegionAndUnmapsTheNext) {
  std::vector<unsigned char*> blocks;
  const std::size_t size = TypeParam::kRegionBytes / 4 - 64;
  for (int i = 0; i < 12; ++i) blocks.push_back(this->allocate(size));
  EXPECT_EQ(this->heap().stats().total_pages, 3 * this->kRegionPages + 1);
  for (unsigned char* p : blocks) this->heap().deallocate(p);
  EXPECT_EQ(this->calls(PageCall::kUnmap), 2u);
  EXPECT_EQ(this->heap().stats().total_pages, this->kRegionPages + 1);
  const std::uint64_t maps = this->calls(PageCall::kMap);
  for (int i = 0; i < 10; ++i) this->heap().deallocate(this->allocate(size));
  EXPECT_EQ(this->calls(PageCall::kMap), maps);
  EXPECT_EQ(this->calls(PageCall::kUnmap), 2u);
  EXPECT_EQ(this->heap().purge(), TypeParam::kRegionBytes);
  EXPECT_EQ(this->heap().stats().total_pages, 1u);
  EXPECT_EQ(this->heap().pages().pages_held(), 1u);
}

TYPED_TEST(BlockHeapTest, ALargeBlockHasARegionToItself) {
  const std::size_t size = 3 * TypeParam::kRegionBytes;
  unsigned char* small = this->allocate(10);
  unsigned char* p = this->allocate(size);
  EXPECT_EQ(this->heap().stats().total_allocated_bytes, size + 10);
  EXPECT_EQ(this->heap().stats().total_pages, 4 * this->kRegionPages + 2);
  memset(p, 1, this->heap().usable_size(p));
  EXPECT_EQ(this->heap().check(), 0);
  this->heap().deallocate(p);
  EXPECT_EQ(this->calls(PageCall::kUnmap), 1u);
  this->heap().deallocate(small);
}

TYPED_TEST(BlockHeapTest, AlignsToAnyPowerOfTwo) {
  std::vector<unsigned char*> blocks;
  for (std::size_t align = 1; align <= (std::size_t{1} << 24); align *= 2) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{5000}}) {
      unsigned char* p = this->allocate(size, align);
      ASSERT_NE(p, nullptr) << align;
      EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p), align));
      memset(p, 0xee, this->heap().usable_size(p));
      blocks.push_back(p);
      ASSERT_EQ(this->heap().check(), 0);
    }
  }
  for (unsigned char* p : blocks) this->heap().deallocate(p);
  EXPECT_LE(this->heap().stats().total_pages, this->kRegionPages + 1);
}

TYPED_TEST(BlockHeapTest, ZeroedMemoryIsZeroFreshOrReused) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{40}, std::size_t{9000}, 2 * TypeParam::kRegionBytes}) {
    for (int round = 0; round < 3; ++round) {
      auto* p = static_cast<unsigned char*>(this->heap().allocate_zeroed(size));
      ASSERT_NE(p, nullptr);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(p[i], 0) << size << " at " << i;
      memset(p, 0xff, this->heap().usable_size(p));
      unsigned char* q = this->allocate(24);
      memset(q, 0xff, 24);
      this->heap().deallocate(p);
      this->heap().deallocate(q);
    }
  }
}

TYPED_TEST(BlockHeapTest, ZeroedMemoryAfterPurgeIsZero) {
  unsigned char* wall = this->allocate(10);
  unsigned char* p = this->allocate(100000);
  memset(p, 0xff, 100000);
  this->heap().deallocate(p);
  EXPECT_GE(this->heap().purge(), 90000u);
  EXPECT_EQ(this->heap().purge(), 0u);  // nothing twice
  auto* z = static_cast<unsigned char*>(this->heap().allocate_zeroed(200000));
  for (std::size_t i = 0; i < 200000; ++i) ASSERT_EQ(z[i], 0);
  this->heap().deallocate(z);
  this->heap().deallocate(wall);
}

TYPED_TEST(BlockHeapTest, PurgeDiscardsTheWholePagesInsideFreeBlocks) {
  unsigned char* p = this->allocate(10 * kPageBytes);
  unsigned char* wall = this->allocate(10);
  memset(p, 1, 10 * kPageBytes);
  this->heap().deallocate(p);
  const std::size_t given = this->heap().purge();
  EXPECT_GE(given, 9 * kPageBytes);
  EXPECT_EQ(given % kPageBytes, 0u);
  EXPECT_EQ(this->heap().purge(), 0u);
  EXPECT_EQ(this->heap().check(), 0);
  this->heap().deallocate(wall);
}

TYPED_TEST(BlockHeapTest, ReallocateShrinksInPlaceAndGivesTheTailBack) {
  unsigned char* p = this->allocate(1000);
  unsigned char* wall = this->allocate(10);
  memset(p, 3, 1000);
  EXPECT_EQ(this->heap().reallocate(p, 100), p);
  EXPECT_EQ(this->heap().stats().total_allocated_bytes, 110u);
  EXPECT_EQ(this->free_blocks(), 2u);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(p[i], 3);
  unsigned char* tail = this->allocate(800);
  EXPECT_GT(tail, p);
  EXPECT_LT(tail, wall);
}

TYPED_TEST(BlockHeapTest, ReallocateGrowsIntoAFreeNeighbour) {
  unsigned char* p = this->allocate(100);
  unsigned char* next = this->allocate(100);
  unsigned char* wall = this->allocate(10);
  memset(p, 3, 100);
  this->heap().deallocate(next);
  EXPECT_EQ(this->heap().reallocate(p, 180), p);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(p[i], 3);
  EXPECT_EQ(this->heap().check(), 0);
  unsigned char* moved = static_cast<unsigned char*>(this->heap().reallocate(p, 300));
  EXPECT_NE(moved, p);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(moved[i], 3);
  EXPECT_EQ(this->heap().stats().total_allocated_bytes, 310u);
  this->heap().deallocate(wall);
}

TYPED_TEST(BlockHeapTest, ReallocateKeepsAllUsableBytes) {
  unsigned char* p = this->allocate(1);
  this->allocate(1);  // stands in the way, so that p has to move
  const std::size_t usable = this->heap().usable_size(p);
  ASSERT_GT(usable, 1u);
  memset(p, 8, usable);
  auto* moved = static_cast<unsigned char*>(this->heap().reallocate(p, 1000));
  for (std::size_t i = 0; i < usable; ++i) EXPECT_EQ(moved[i], 8);
}

TYPED_TEST(BlockHeapTest, ReallocateIntoTheFreshRestLeavesTheRestKnownAsZero) {
  unsigned char* p = this->allocate(100);
  EXPECT_EQ(this->heap().reallocate(p, 200), p);
  auto* z = static_cast<unsigned char*>(this->heap().allocate_zeroed(5000));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(z[i], 0);
}

TYPED_TEST(BlockHeapTest, ReallocateOfALargeBlockResizesItsRegion) {
  const std::size_t size = 2 * TypeParam::kRegionBytes;
  unsigned char* p = this->allocate(size);
  p[0] = 1;
  p[size - 1] = 2;
  p = static_cast<unsigned char*>(this->heap().reallocate(p, 4 * size));
  EXPECT_EQ(p[0], 1);
  EXPECT_EQ(p[size - 1], 2);
  EXPECT_EQ(this->heap().check(), 0);
  p = static_cast<unsigned char*>(this->heap().reallocate(p, size));
  EXPECT_EQ(p[size - 1], 2);
  EXPECT_EQ(this->calls(PageCall::kRemap), 2u);
  EXPECT_EQ(this->heap().stats().total_pages, 2 * this->kRegionPages + 2);
  EXPECT_EQ(this->heap().stats().total_allocated_bytes, size);
}

TYPED_TEST(BlockHeapTest, ABlockThatBecomesSmallLeavesItsLargeRegion) {
  unsigned char* p = this->allocate(4 * TypeParam::kRegionBytes);
  memset(p, 7, 100);
  p = static_cast<unsigned char*>(this->heap().reallocate(p, 100));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(p[i], 7);
  EXPECT_EQ(this->heap().stats().total_pages, this->kRegionPages + 1);

  this->heap().deallocate(p);
  this->heap().purge();
  p = this->allocate(4 * TypeParam::kRegionBytes);
  p[99] = 7;
  this->heap().pages().fail_every(PageCall::kMap, 1);  // nowhere to move: in place then
  EXPECT_EQ(this->heap().reallocate(p, 100), p);
  EXPECT_EQ(p[99], 7);
  EXPECT_EQ(this->heap().check(), 0);
  this->heap().deallocate(p);
}

TYPED_TEST(BlockHeapTest, EachRefusedCallLeavesAWholeHeap) {
  unsigned char* p = this->allocate(10);
  SimulatedPages& pages = this->heap().pages();
  pages.fail_every(PageCall::kMap, 1);
  EXPECT_EQ(this->allocate(2 * TypeParam::kRegionBytes), nullptr);
  EXPECT_EQ(this->heap().allocate_zeroed(2 * TypeParam::kRegionBytes), nullptr);
  EXPECT_EQ(this->heap().reallocate(p, 2 * TypeParam::kRegionBytes), nullptr);
  EXPECT_EQ(this->heap().check(), 0);
  pages.fail_every(PageCall::kMap, 0);
  unsigned char* large = this->allocate(2 * TypeParam::kRegionBytes);
  pages.fail_every(PageCall::kRemap, 1);
  large = static_cast<unsigned char*>(this->heap().reallocate(large, 4 * TypeParam::kRegionBytes));
  ASSERT_NE(large, nullptr);  // copied instead
  pages.fail_every(PageCall::kUnmap, 1);
  pages.fail_every(PageCall::kDiscard, 2);
  this->heap().deallocate(large);
  EXPECT_EQ(this->heap().check(), 0);
  unsigned char* reused = this->allocate(TypeParam::kRegionBytes / 2);
  EXPECT_EQ(this->heap().check(), 0);
  pages.fail_every(PageCall::kUnmap, 0);
  this->heap().deallocate(reused);
  this->heap().deallocate(p);
  this->heap().purge();
}

TYPED_TEST(BlockHeapTest, RefusesWhatNoAddressSpaceHolds) {
  for (const std::size_t size :
       {SIZE_MAX, SIZE_MAX - 15, std::size_t{PTRDIFF_MAX}, std::size_t{1} << 48}) {
    EXPECT_EQ(this->heap().allocate(size, 0), nullptr);
    EXPECT_EQ(this->heap().allocate(size, 4096), nullptr);
    EXPECT_EQ(this->heap().allocate_zeroed(size), nullptr);
  }
  EXPECT_EQ(this->heap().allocate(1, std::size_t{1} << 63), nullptr);
}

TYPED_TEST(BlockHeapTest, CountsWhatCallersAskedFor) {
  unsigned char* a = this->allocate(1);
  unsigned char* b = this->allocate(0);
  EXPECT_NE(a, b);
  HeapStats stats = this->heap().stats();
  EXPECT_EQ(stats.total_allocated_bytes, 1u);
  EXPECT_EQ(stats.live_blocks, 2u);
  EXPECT_EQ(stats.page_size_bytes, kPageBytes);
  EXPECT_EQ(stats.total_pages, this->heap().pages().pages_held());
  this->heap().deallocate(a);
  this->heap().deallocate(b);
  this->heap().deallocate(nullptr);
  stats = this->heap().stats();
  EXPECT_EQ(stats.total_allocated_bytes, 0u);
  EXPECT_EQ(stats.live_blocks, 0u);
  EXPECT_EQ(this->heap().usable_size(nullptr), 0u);
}

}  // namespace
}  // namespace mem
