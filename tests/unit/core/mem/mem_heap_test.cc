#include "core/mem/mem_heap.h"

#include <gtest/gtest.h>
#include <string.h>
#include <sys/single_threaded.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "core/os/simulated_pages.h"
#include "tests/support/mem_heap_audit.h"

namespace mem {
namespace {

// A process that seems to have, or never to have had, a second thread.
class ThreadsOfProcess {
 public:
  explicit ThreadsOfProcess(bool has_many) : before_(__libc_single_threaded) {
    __libc_single_threaded = has_many ? 0 : 1;
  }
  ~ThreadsOfProcess() { __libc_single_threaded = before_; }
  ThreadsOfProcess(const ThreadsOfProcess&) = delete;
  ThreadsOfProcess& operator=(const ThreadsOfProcess&) = delete;

 private:
  char before_;
};

class MemHeapTest : public testing::Test {
 protected:
  void free(void* p) { heap_->deallocate(thread_, p); }
  Span* span(const void* p) { return heap_->map().find(p); }
  SimulatedPages& os() { return heap_->runs().os(); }
  void* filled(std::size_t size) {
    void* p = heap_->allocate(thread_, size);
    EXPECT_NE(p, nullptr);
    fill(p, size);
    return p;
  }
  static unsigned char byte(std::size_t i) { return static_cast<unsigned char>(i * 7 + (i >> 8)); }
  static void fill(void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) static_cast<unsigned char*>(p)[i] = byte(i);
  }
  static bool is_intact(const void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (static_cast<const unsigned char*>(p)[i] != byte(i)) return false;
    }
    return true;
  }
  static bool is_zero(const void* p, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(p);
    return std::all_of(bytes, bytes + size, [](unsigned char b) { return b == 0; });
  }
  static bool is_at(const void* p, std::size_t align) {
    return is_aligned(reinterpret_cast<std::uintptr_t>(p), align);
  }
  void expect_sound() {
    ASSERT_EQ(audit(*heap_, thread_), "");
    ASSERT_EQ(audit(*heap_, other_), "");
  }
  void expect_nothing_left() {
    for (int round = 0; round < 2; ++round) {
      heap_->purge(thread_);
      heap_->purge(other_);
    }
    expect_sound();
    EXPECT_EQ(heap_->stats(thread_).live_blocks, 0u);
    EXPECT_EQ(heap_->stats(thread_).total_allocated_bytes, 0u);
    EXPECT_EQ(heap_->runs().used_pages(), 0u);
    EXPECT_EQ(heap_->detailed_stats(thread_).dirty_pages, 0u);
  }

  std::unique_ptr<MemHeap<SimulatedPages>> heap_ = std::make_unique<MemHeap<SimulatedPages>>();
  ThreadHeap& thread_ = *heap_->slabs().adopt();
  ThreadHeap& other_ = *heap_->slabs().adopt();
};

TEST_F(MemHeapTest, EverySizeHasRoomAndLittleMore) {
  std::vector<void*> blocks;
  for (std::size_t size = 0; size < 70000; size += size < 1200 ? 1 : 97) {
    void* p = filled(size);
    ASSERT_TRUE(is_at(p, 16)) << size;
    const std::size_t usable = heap_->usable_size(p);
    ASSERT_GE(usable, std::max<std::size_t>(size, 1)) << size;
    ASSERT_LE(usable, size <= kMaxMediumBytes ? size + size / 8 + 16 : align_up(size, kPageBytes));
    blocks.push_back(p);
  }
  expect_sound();
  std::sort(blocks.begin(), blocks.end());
  EXPECT_EQ(std::unique(blocks.begin(), blocks.end()), blocks.end());
  for (void* p : blocks) free(p);
  expect_nothing_left();
}

TEST_F(MemHeapTest, KindsEndWhereTheySay) {
  EXPECT_EQ(span(heap_->allocate(thread_, kMaxMediumBytes))->state(), SpanState::kFit);
  void* large = heap_->allocate(thread_, kMaxMediumBytes + 1);
  EXPECT_EQ(span(large)->state(), SpanState::kLarge);
  EXPECT_EQ(heap_->usable_size(large), 9 * kPageBytes);
  EXPECT_EQ(heap_->usable_size(nullptr), 0u);
  free(nullptr);
  heap_->deallocate_remote(nullptr);
}

TEST_F(MemHeapTest, RefusesWhatNoPointerCanSpan) {
  EXPECT_EQ(heap_->allocate(thread_, SIZE_MAX), nullptr);
  EXPECT_EQ(heap_->allocate(thread_, std::size_t{PTRDIFF_MAX} + 1), nullptr);
  EXPECT_EQ(heap_->allocate_zeroed(thread_, SIZE_MAX - 4096), nullptr);
  EXPECT_EQ(heap_->allocate_aligned(thread_, SIZE_MAX, 64), nullptr);
  EXPECT_EQ(heap_->allocate_aligned(thread_, 1, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(heap_->allocate_aligned(thread_, std::size_t{1} << 40, 4096), nullptr);
  void* p = filled(100);
  EXPECT_EQ(heap_->reallocate(thread_, p, SIZE_MAX), nullptr);
  EXPECT_TRUE(is_intact(p, 100));
  void* large = filled(50000);
  EXPECT_EQ(heap_->reallocate(thread_, large, SIZE_MAX), nullptr);
  EXPECT_TRUE(is_intact(large, 50000));
  free(p);
  free(large);
  expect_nothing_left();
}

TEST_F(MemHeapTest, AlignsAsAsked) {
  std::vector<void*> blocks;
  for (std::size_t align = 1; align <= std::size_t{1} << 20; align *= 2) {
    for (std::size_t size : {0u, 1u, 48u, 1000u, 1024u, 5000u, 32768u, 40000u}) {
      void* p = heap_->allocate_aligned(thread_, size, align);
      ASSERT_TRUE(is_at(p, std::max<std::size_t>(align, 16))) << size << " at " << align;
      ASSERT_GE(heap_->usable_size(p), size);
      fill(p, size);
      blocks.push_back(p);
    }
  }
  expect_sound();
  for (void* p : blocks) free(p);
  expect_nothing_left();
}

// A program may ask for nothing but aligned blocks: these get slabs like any others, once they are
// asked for often.
TEST_F(MemHeapTest, AlignedBlocksInDemandComeFromSlabs) {
  constexpr struct {
    std::size_t size;
    unsigned bin;
    std::size_t object_bytes;
  } kCases[] = {{100, small_bin(128), 128}, {4000, medium_bin(4032), 4032}};
  for (const auto& [size, bin, object_bytes] : kCases) {
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 3 * tuning::kHotUses; ++i) {
      void* p = heap_->allocate_aligned(thread_, size, 64);
      ASSERT_TRUE(is_at(p, 64));
      fill(p, size);
      blocks.push_back(p);
    }
    EXPECT_EQ(thread_.object_bytes[bin], object_bytes);
    EXPECT_EQ(heap_->map().find(blocks[tuning::kHotLive + 1])->state(), SpanState::kFit);
    EXPECT_EQ(heap_->map().find(blocks.back())->state(), SpanState::kCurrent);
    expect_sound();
    for (void* p : blocks) free(p);
  }
  expect_nothing_left();
}

// What waits in a bin may be smaller than what is asked for, and well aligned.
TEST_F(MemHeapTest, AnAlignedBlockIsLargeEnough) {
  void* small = heap_->allocate(thread_, 1936);
  ASSERT_TRUE(is_at(small, 64));
  free(small);
  ASSERT_EQ(thread_.loose[medium_bin(1936)].free, small);
  ASSERT_EQ(medium_bin(1936), medium_bin(2048));
  void* p = heap_->allocate_aligned(thread_, 2000, 64);
  EXPECT_GE(heap_->usable_size(p), 2000u);
  EXPECT_TRUE(is_at(p, 64));
  free(p);
  expect_nothing_left();
}

// But not where most of a slab's objects would be lost to the alignment.
TEST_F(MemHeapTest, SmallBlocksOfALargeAlignmentAreFitted) {
  for (unsigned i = 0; i < 2 * tuning::kHotUses; ++i) {
    void* p = heap_->allocate_aligned(thread_, 24, 512);
    ASSERT_TRUE(is_at(p, 512));
    ASSERT_EQ(heap_->usable_size(p), 32u);
  }
  expect_sound();
}

TEST_F(MemHeapTest, AnAlignedBlockMayComeFromABin) {
  heap_->slabs().set_object_bytes(thread_, 4, 64);
  void* p = heap_->allocate(thread_, 64);
  heap_->allocate(thread_, 64);
  EXPECT_EQ(heap_->allocate_aligned(thread_, 40, 64), static_cast<char*>(p) + 128);
  heap_->slabs().set_object_bytes(thread_, 3, 48);
  ASSERT_TRUE(is_at(heap_->allocate(thread_, 48), kPageBytes));
  ASSERT_TRUE(is_at(heap_->allocate(thread_, 48), 16));
  ASSERT_TRUE(is_at(heap_->allocate(thread_, 48), 32));
  // The next one in the bin is at 144, which is no multiple of 32.
  EXPECT_TRUE(is_at(heap_->allocate_aligned(thread_, 33, 32), 32));
}

TEST_F(MemHeapTest, ZeroesWhatWasUsedBefore) {
  for (std::size_t size : {24u, 400u, 3000u, 30000u, 100000u, 3000000u}) {
    for (int round = 0; round < 4; ++round) {  // the last ones from a bin or a cache
      void* p = heap_->allocate_zeroed(thread_, size);
      ASSERT_TRUE(is_zero(p, size)) << size << " in round " << round;
      memset(p, 0xff, heap_->usable_size(p));
      free(p);
    }
  }
  expect_nothing_left();
}

// --- reallocation --------------------------------------------------------------------------------

TEST_F(MemHeapTest, ReallocationKeepsContentsInAllDirections) {
  const std::size_t sizes[] = {1, 30, 200, 1000, 1100, 5000, 32768, 32769, 60000, 700000};
  for (const bool is_hot : {false, true}) {
    for (const std::size_t from : sizes) {
      if (is_hot && from <= kMaxMediumBytes) {
        const auto bin =
            from <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(from)) : medium_bin(from);
        heap_->slabs().set_object_bytes(thread_, bin, align_up(from, 16));
      }
      for (const std::size_t to : sizes) {
        for (ThreadHeap* by : {&thread_, &other_}) {
          void* p = filled(from);
          void* moved = heap_->reallocate(*by, p, to);
          ASSERT_NE(moved, nullptr);
          ASSERT_TRUE(is_intact(moved, std::min(from, to))) << from << " to " << to;
          const std::size_t usable = heap_->usable_size(moved);
          ASSERT_GE(usable, to);
          ASSERT_LE(usable, to <= kMaxMediumBytes ? std::max<std::size_t>(32, 2 * to + 16)
                                                  : align_up(to, kPageBytes));
          fill(moved, to);
          expect_sound();
          heap_->deallocate(to % 2 == 0 ? thread_ : other_, moved);
        }
      }
    }
  }
  expect_nothing_left();
}

TEST_F(MemHeapTest, ASlabObjectStaysUnlessHalfOfItWouldBeUnused) {
  heap_->slabs().set_object_bytes(thread_, 64, 1024);
  void* p = filled(1024);
  EXPECT_EQ(heap_->reallocate(thread_, p, 513), p);
  EXPECT_EQ(heap_->reallocate(other_, p, 1024), p);
  void* moved = heap_->reallocate(thread_, p, 512);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(is_intact(moved, 512));
}

TEST_F(MemHeapTest, AFittedObjectGrowsIntoTheGapBehindIt) {
  void* p = filled(5000);
  EXPECT_EQ(heap_->reallocate(thread_, p, 2000), p);
  EXPECT_EQ(heap_->usable_size(p), 2000u);
  EXPECT_EQ(heap_->reallocate(thread_, p, 5000), p);
  expect_sound();
}

TEST_F(MemHeapTest, TheShortPathOfReallocationServesTheHeapsOwnSlabs) {
  for (const std::size_t size : {32U, 64U, 112U, 256U}) {
    heap_->slabs().set_object_bytes(thread_, static_cast<unsigned>(small_bin(size)), size);
    free(filled(size));
  }
  int events = 0;
  const auto shortly = [&](ThreadHeap& heap, void* p, std::size_t size) {
    return heap_->reallocate_or(
        heap, p, size, [](void*, std::size_t) -> void* { return nullptr; },
        [&](Span* span, void*, std::size_t) -> void* { return span; }, [&](Span*) { ++events; });
  };
  void* p = filled(64);
  EXPECT_EQ(shortly(thread_, p, 33), p);
  void* grown = shortly(thread_, p, 100);
  ASSERT_NE(grown, nullptr);
  EXPECT_EQ(heap_->usable_size(grown), 112u);
  EXPECT_TRUE(is_intact(grown, 64));
  EXPECT_EQ(heap_->allocate(thread_, 64), p);  // was freed
  void* shrunk = shortly(thread_, grown, 20);
  ASSERT_NE(shrunk, nullptr);
  EXPECT_EQ(heap_->usable_size(shrunk), 32u);
  EXPECT_TRUE(is_intact(shrunk, 20));
  EXPECT_EQ(events, 0);
  // What it leaves to others.
  EXPECT_EQ(shortly(other_, p, 33), nullptr);     // another's
  EXPECT_EQ(shortly(thread_, p, 2000), nullptr);  // not small
  EXPECT_EQ(shortly(thread_, p, 400), nullptr);   // a bin that has nothing
  EXPECT_EQ(shortly(thread_, filled(100000), 50), nullptr);
  void* fitted = filled(600);
  EXPECT_EQ(shortly(other_, fitted, 590), nullptr);
  EXPECT_EQ(shortly(thread_, fitted, 590), heap_->map().find(fitted));
  free(p);
  EXPECT_EQ(shortly(thread_, p, 33), nullptr);  // dead
  expect_sound();
}

TEST_F(MemHeapTest, TheShortPathOfAlignedAllocationTakesWhatIsAligned) {
  const auto shortly = [&](std::size_t size, std::size_t align) {
    return MemHeap<SimulatedPages>::allocate_aligned_or(
        thread_, size, align, [](std::size_t, std::size_t) -> void* { return nullptr; });
  };
  EXPECT_EQ(shortly(40, 64), nullptr);  // a bin that has nothing
  heap_->slabs().set_object_bytes(thread_, 4, 64);
  void* p = filled(64);
  free(p);
  EXPECT_EQ(shortly(0, 64), nullptr);
  EXPECT_EQ(shortly(SIZE_MAX - 5, 64), nullptr);
  EXPECT_EQ(shortly(40, 2048), nullptr);
  EXPECT_EQ(shortly(40, 64), p);
  // Fitted objects wait in their bins too, at any multiple of 16.
  filled(80);
  void* fitted = filled(96);
  if (is_at(fitted, 32)) {
    filled(80);
    fitted = filled(96);
  }
  ASSERT_FALSE(is_at(fitted, 32));
  free(fitted);
  ASSERT_EQ(thread_.bins[6]->free, fitted);
  EXPECT_EQ(shortly(96, 32), nullptr);
  expect_sound();
}

TEST_F(MemHeapTest, AFittedObjectThatGrowsALittleGetsRoom) {
  void* p = filled(12000);
  ASSERT_EQ(span(p)->state(), SpanState::kFit);
  EXPECT_EQ(heap_->reallocate(thread_, p, 8000), p);
  EXPECT_EQ(heap_->reallocate(thread_, p, 8100), p);
  const std::size_t usable = heap_->usable_size(p);
  EXPECT_GE(usable, 9000u);
  EXPECT_LE(usable, 9200u);
  EXPECT_EQ(heap_->reallocate(thread_, p, 8050), p);  // less by no more than that room
  EXPECT_EQ(heap_->usable_size(p), usable);
  EXPECT_EQ(heap_->reallocate(thread_, p, usable), p);
  EXPECT_EQ(heap_->usable_size(p), usable);
  EXPECT_TRUE(is_intact(p, 8000));
  expect_sound();
  EXPECT_EQ(heap_->reallocate(thread_, p, 5000), p);
  EXPECT_EQ(heap_->usable_size(p), 5008u);
  EXPECT_TRUE(is_intact(p, 5000));
  expect_sound();
}

TEST_F(MemHeapTest, AFittedObjectGrowsWithoutRoomWhereThereIsNone) {
  void* p = filled(8000);
  void* wall = filled(8000);
  ASSERT_EQ(static_cast<char*>(wall), static_cast<char*>(p) + 8000);
  EXPECT_EQ(heap_->reallocate(thread_, p, 6000), p);
  EXPECT_EQ(heap_->reallocate(thread_, p, 7400), p);
  EXPECT_EQ(heap_->usable_size(p), 7408u);
  EXPECT_TRUE(is_intact(wall, 8000));
  expect_sound();
}

TEST_F(MemHeapTest, ALargeBlockShrinksAndGrowsWhereItIs) {
  void* p = filled(400000);
  const std::size_t used = heap_->runs().used_pages();
  EXPECT_EQ(heap_->reallocate(thread_, p, 100000), p);
  EXPECT_EQ(heap_->usable_size(p), align_up(100000, kPageBytes));
  EXPECT_LT(heap_->runs().used_pages(), used);
  EXPECT_EQ(heap_->reallocate(thread_, p, 390000), p);
  EXPECT_TRUE(is_intact(p, 100000));
  EXPECT_EQ(heap_->stats(thread_).total_allocated_bytes, 390000u);
  expect_sound();
}

TEST_F(MemHeapTest, ALargeBlockThatCannotGrowMovesItsPages) {
  constexpr std::size_t kSize = 100 * kPageBytes;
  void* p = filled(kSize);
  void* wall = filled(40000);
  const std::uint64_t moves = os().calls(PageCall::kMove);
  void* moved = heap_->reallocate(thread_, p, 2 * kSize);
  EXPECT_NE(moved, p);
  EXPECT_EQ(os().calls(PageCall::kMove), moves + 1);
  EXPECT_TRUE(is_intact(moved, kSize));
  EXPECT_EQ(heap_->detailed_stats(thread_).dirty_pages, 0u);  // what it left reads as zero
  EXPECT_TRUE(is_zero(heap_->allocate_zeroed(thread_, kSize), kSize));
  // And by a copy where the kernel refuses.
  void* second_wall = filled(40000);
  os().fail_every(PageCall::kMove, 1);
  void* copied = heap_->reallocate(thread_, moved, 4 * kSize);
  EXPECT_NE(copied, moved);
  EXPECT_TRUE(is_intact(copied, kSize));
  EXPECT_TRUE(is_intact(wall, 40000) && is_intact(second_wall, 40000));
  expect_sound();
}

// --- large blocks that wait ----------------------------------------------------------------------

TEST_F(MemHeapTest, AFreedLargeBlockGoesToWhoAsksForAsManyPages) {
  const ThreadsOfProcess threads(false);
  void* first = filled(100000);
  filled(40000);
  void* second = filled(100000);
  filled(40000);
  free(first);
  free(second);
  EXPECT_EQ(heap_->detailed_stats(thread_).large_live, 2u);
  EXPECT_EQ(heap_->stats(thread_).live_blocks, 2u);
  EXPECT_EQ(heap_->detailed_stats(thread_).dirty_pages, 50u);
  expect_sound();
  EXPECT_EQ(heap_->allocate(other_, 99999), second);
  EXPECT_EQ(heap_->allocate(thread_, 99999), first);
  EXPECT_EQ(heap_->detailed_stats(thread_).large_live, 4u);
}

TEST_F(MemHeapTest, ABlockThatWaitedIsZeroedForWhoAsks) {
  void* first = filled(100000);  // of pages that were never used before
  filled(100000);
  free(first);
  void* p = heap_->allocate_zeroed(thread_, 100000);
  EXPECT_EQ(p, first);
  EXPECT_TRUE(is_zero(p, 100000));
}

TEST_F(MemHeapTest, WhatWaitsIsGivenUpForMemory) {
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(filled(1 << 20));
  os().fail_every(PageCall::kReserve, 1);
  os().fail_every(PageCall::kCommit, 1);
  while (heap_->allocate(thread_, 1 << 20) != nullptr) continue;
  free(blocks[7]);
  EXPECT_NE(heap_->allocate(thread_, 1 << 19), nullptr);
  expect_sound();
}

// --- large blocks that stay with their thread ----------------------------------------------------

class MemHeapOfThreadsTest : public MemHeapTest {
  const ThreadsOfProcess threads_{true};
};

TEST_F(MemHeapOfThreadsTest, TheLastFreedLargeBlockStaysWithItsThread) {
  void* first = filled(100000);
  void* second = filled(100000);
  free(first);
  EXPECT_EQ(span(first)->state(), SpanState::kKept);
  EXPECT_EQ(heap_->detailed_stats(thread_).large_live, 1u);
  EXPECT_EQ(heap_->stats(thread_).live_blocks, 1u);
  expect_sound();
  EXPECT_NE(heap_->allocate(other_, 100000), first);
  EXPECT_NE(heap_->allocate_aligned(thread_, 65536, 8192), first);
  EXPECT_NE(heap_->allocate(thread_, 50000), first);  // for which it is too large
  EXPECT_NE(heap_->allocate(thread_, 110000), first);
  EXPECT_EQ(heap_->allocate(thread_, 99000), first);
  free(second);
  free(first);
  EXPECT_EQ(span(second)->state(), SpanState::kWaiting);
  EXPECT_EQ(span(first)->state(), SpanState::kKept);
  void* zeroed = heap_->allocate_zeroed(thread_, 100000);
  EXPECT_EQ(zeroed, first);
  EXPECT_TRUE(is_zero(zeroed, 100000));
  expect_sound();
}

TEST_F(MemHeapOfThreadsTest, CheckKnowsWhatIsKept) {
  free(filled(100000));
  EXPECT_EQ(heap_->check(thread_), 0);
  thread_.kept_run->set_state(SpanState::kLarge);
  EXPECT_EQ(heap_->check(thread_), 131);
  thread_.kept_run->set_state(SpanState::kKept);
  EXPECT_EQ(heap_->check(thread_), 0);
}

TEST_F(MemHeapOfThreadsTest, ItGoesBackWhenThereIsNoMemoryElse) {
  for (const std::size_t align : {std::size_t{0}, std::size_t{1024}}) {
    void* kept = filled(60 * kPageBytes);
    std::vector<void*> others;
    const auto take = [&] {
      return align == 0 ? heap_->allocate(thread_, 20000)
                        : heap_->allocate_aligned(thread_, 20000, align);
    };
    while (void* p = take()) others.push_back(p);
    while (void* p = heap_->allocate(thread_, kPageBytes - 16)) others.push_back(p);
    free(kept);
    ASSERT_EQ(span(kept)->state(), SpanState::kKept);
    void* p = take();
    EXPECT_NE(p, nullptr);
    EXPECT_EQ(thread_.kept_run, nullptr);
    free(p);
    for (void* other : others) free(other);
    expect_sound();
  }
}

TEST_F(MemHeapOfThreadsTest, UnlessItIsTooLarge) {
  void* p = filled((tuning::kKeptRunPages + 1) * kPageBytes);
  free(p);
  EXPECT_EQ(span(p)->state(), SpanState::kWaiting);
  p = filled(tuning::kKeptRunPages / 2 * kPageBytes);
  free(p);
  EXPECT_EQ(span(p)->state(), SpanState::kKept);
  heap_->slabs().abandon(thread_);
  EXPECT_EQ(span(p)->state(), SpanState::kWaiting);
  expect_nothing_left();
}

TEST_F(MemHeapOfThreadsTest, ItIsGivenUpForMemory) {
  void* p = filled(100000);
  os().fail_every(PageCall::kReserve, 1);
  while (heap_->allocate(thread_, 80000) != nullptr) continue;
  free(p);
  EXPECT_EQ(heap_->allocate(thread_, 80000), p);
  expect_sound();
}

// --- out of memory -------------------------------------------------------------------------------

TEST_F(MemHeapTest, OutOfMemoryLeavesEverythingAsItWas) {
  for (const PageCall call : {PageCall::kReserve, PageCall::kCommit, PageCall::kMap}) {
    for (unsigned one_in = 1; one_in <= 3; ++one_in) {
      MemHeap<SimulatedPages> heap;
      ThreadHeap* thread = heap.slabs().adopt();
      heap.runs().os().fail_one_in(call, one_in);
      std::mt19937 random(one_in);
      struct Block {
        void* p;
        std::size_t size;
      };
      std::vector<Block> blocks;
      int refused = 0;
      for (int i = 0; i < 1500; ++i) {
        const std::size_t size = 1 + random() % (i % 16 == 0 ? 3000000 : 6000);
        void* p = heap.allocate(*thread, size);
        if (p == nullptr) {
          ++refused;
          ASSERT_EQ(audit(heap, *thread), "");
        } else {
          fill(p, size);
          blocks.push_back({p, size});
        }
        if (blocks.size() < 20) continue;
        Block& block = blocks[random() % blocks.size()];
        if (random() % 2 == 0) {
          const std::size_t next = 1 + random() % 100000;
          p = heap.reallocate(*thread, block.p, next);
          ASSERT_TRUE(is_intact(p != nullptr ? p : block.p, std::min(block.size, next)));
          if (p == nullptr) {
            ++refused;
            continue;
          }
          block = {p, next};
          fill(p, next);
        } else {
          ASSERT_TRUE(is_intact(block.p, block.size));
          heap.deallocate(*thread, block.p);
          block = blocks.back();
          blocks.pop_back();
        }
      }
      if (one_in == 1) {
        EXPECT_GT(refused, 0);
      } else {
        EXPECT_LT(refused, 750);
      }
      ASSERT_EQ(audit(heap, *thread), "");
      for (const Block& block : blocks) heap.deallocate(*thread, block.p);
      heap.purge(*thread);
      EXPECT_EQ(heap.runs().used_pages(), 0u);
      ASSERT_EQ(audit(heap, *thread), "");
    }
  }
}

TEST_F(MemHeapTest, ALargeBlockThatCannotBeMovedIsWhatItIsNowAskedFor) {
  void* p = heap_->allocate_aligned(thread_, 1000, kPageBytes);
  os().fail_every(PageCall::kReserve, 1);
  os().fail_every(PageCall::kCommit, 1);
  os().fail_every(PageCall::kMap, 1);
  EXPECT_EQ(heap_->reallocate(thread_, p, 1500), p);
  EXPECT_EQ(heap_->stats(thread_).total_allocated_bytes, 1500u);
}

// --- the rest ------------------------------------------------------------------------------------

TEST_F(MemHeapTest, CountsWhatLivesByKind) {
  heap_->slabs().set_object_bytes(thread_, 4, 64);
  for (int i = 0; i < 60; ++i) heap_->allocate(thread_, 60);
  heap_->slabs().release_empty(thread_);  // puts the bin's objects back
  heap_->allocate(thread_, 200);
  heap_->allocate(thread_, 20000);
  heap_->allocate(thread_, 100000);
  const MemStats stats = heap_->detailed_stats(thread_);
  EXPECT_EQ(stats.bins[4].slabs, 1u);
  EXPECT_EQ(stats.bins[4].live_objects, 60u);
  EXPECT_EQ(stats.bins[4].live_bytes, 60u * 64);
  EXPECT_EQ(stats.fits[0].live_objects, 1u);
  EXPECT_EQ(stats.fits[0].live_bytes, 208u);
  EXPECT_EQ(stats.fits[0].free_bytes, kPageBytes - 208);
  EXPECT_EQ(stats.fits[1].live_bytes, 20000u);
  EXPECT_EQ(stats.large_live, 1u);
  EXPECT_EQ(stats.large_live_bytes, 100000u);
  EXPECT_EQ(stats.large_pages, 25u);
  EXPECT_EQ(stats.used_pages, heap_->runs().used_pages());
  const HeapStats all = heap_->stats(thread_);
  EXPECT_EQ(all.live_blocks, 63u);
  EXPECT_EQ(all.total_allocated_bytes, 60u * 64 + 208 + 20000 + 100000);
  EXPECT_EQ(all.page_size_bytes, kPageBytes);
}

TEST_F(MemHeapTest, PurgeGivesBackWhatIsEmpty) {
  std::vector<void*> blocks;
  for (int i = 0; i < 3000; ++i) blocks.push_back(filled(16 + static_cast<std::size_t>(i)));
  for (void* p : blocks) free(p);
  EXPECT_GT(heap_->purge(thread_), 0u);
  expect_nothing_left();
  EXPECT_EQ(heap_->purge(thread_), 0u);
}

// What an empty slab that it releases makes the clock give back counts too.
TEST_F(MemHeapTest, PurgeCountsAllThatGoesBack) {
  std::vector<void*> blocks;
  for (int i = 0; i < 90; ++i) blocks.push_back(filled(33 << 10));
  for (int i = 0; i < 64; ++i) blocks.push_back(filled(512));
  for (void* p : blocks) free(p);
  os().advance_ms(tuning::kPurgePeriodMs);
  EXPECT_GE(heap_->purge(thread_), 90 * (33 << 10) * 9 / 10);
}

TEST_F(MemHeapTest, FreesOfWhoHasNoHeapReachEveryKind) {
  void* small = filled(100);
  void* large = filled(100000);
  heap_->deallocate_remote(small);
  heap_->deallocate_remote(large);
  expect_nothing_left();
}

TEST_F(MemHeapTest, ServesAgainAfterAFork) {
  heap_->lock_for_fork();
  EXPECT_FALSE(heap_->runs().purge_mutex().try_lock());
  heap_->unlock_in_parent();
  heap_->lock_for_fork();
  heap_->unlock_in_child();
  EXPECT_TRUE(heap_->runs().purge_mutex().try_lock());
  heap_->runs().purge_mutex().unlock();
  free(filled(100000));
  EXPECT_NE(heap_->slabs().adopt(), nullptr);
}

using MemHeapDeathTest = MemHeapTest;

TEST_F(MemHeapDeathTest, MisuseOfAGoneSlabIsSeen) {
  heap_->slabs().set_object_bytes(thread_, medium_bin(4096), 4096);
  void* gone[2] = {filled(4096), filled(4096)};
  ASSERT_EQ(span(gone[0])->capacity, 2);
  for (void* p : gone) free(p);
  heap_->slabs().release_empty(thread_);
  ASSERT_EQ(span(gone[0])->state(), SpanState::kWaiting);
  for (void* p : gone) EXPECT_DEATH(free(p), "double free");
  EXPECT_DEATH(free(static_cast<char*>(gone[0]) + 16), "double free");  // of its first page
}

TEST_F(MemHeapDeathTest, MisuseIsSeen) {
  void* small = filled(100);
  free(small);
  EXPECT_DEATH(free(small), "double free");
  heap_->slabs().set_object_bytes(thread_, 4, 64);
  void* hot = filled(64);
  free(hot);
  EXPECT_DEATH(free(hot), "double free");
  EXPECT_DEATH(heap_->reallocate(thread_, hot, 60), "double free");
  void* fitted = heap_->slabs().allocate_fit(thread_, 64, 0);  // of a bin that has slabs
  free(fitted);
  EXPECT_DEATH(free(fitted), "double free");
  void* large = filled(100000);
  EXPECT_DEATH(free(static_cast<char*>(large) + 16), "points into the block");
  EXPECT_DEATH(free(static_cast<char*>(large) + 2 * kPageBytes), "points into the block");
  free(large);
  EXPECT_DEATH(free(large), "double free");
  EXPECT_DEATH(heap_->reallocate(thread_, large, 100), "double free");
  EXPECT_DEATH(heap_->deallocate_remote(large), "double free");
  EXPECT_DEATH(free(static_cast<char*>(large) + 2 * kPageBytes), "double free");
  heap_->purge(thread_);
  EXPECT_DEATH(free(large), "double free");
  int foreign = 0;
  EXPECT_DEATH(free(&foreign), "in no memory of this heap");
}

TEST_F(MemHeapDeathTest, OfABlockThatItsThreadKeepsToo) {
  const ThreadsOfProcess threads(true);
  void* kept = filled(100000);
  free(kept);
  EXPECT_DEATH(free(kept), "double free");
  EXPECT_DEATH(free(static_cast<char*>(kept) + 2 * kPageBytes), "double free");
}

}  // namespace
}  // namespace mem
