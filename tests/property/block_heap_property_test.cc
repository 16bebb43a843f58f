// Random operations with a fixed seed, on the heap and on a shadow of it that only remembers what
// each block must hold. Contents are verified when a block changes or dies, all invariants every
// few operations, no block may overlap another, and the page source may refuse any of its calls.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "core/mem/block_heap.h"
#include "core/mem/block_heap_check.h"
#include "core/mem/block_heap_impl.h"
#include "core/os/simulated_pages.h"

namespace mem {
namespace {

template <class Config>
class BlockHeapPropertyTest : public testing::Test {
 protected:
  struct Live {
    unsigned char* p;
    std::size_t size;
    unsigned char seed;
    std::size_t usable = 0;
  };

  // Every `period`-th call of each kind fails, and some of each did.
  void run_with_refusals(std::initializer_list<std::pair<PageCall, std::uint64_t>> periods,
                         unsigned seed, std::size_t live_target) {
    for (const auto& [kind, period] : periods) heap_->pages().fail_every(kind, period);
    run(seed, 8000, live_target);
    for (const auto& [kind, period] : periods) {
      EXPECT_GT(heap_->pages().refusals(kind), 0U) << static_cast<int>(kind);
    }
  }
  void run(unsigned seed, int operations, std::size_t live_target) {
    random_.seed(seed);
    for (int i = 0; i < operations; ++i) {
      const unsigned dice = pick(100);
      const bool grows = live_.size() < live_target;
      if (live_.empty() || dice < (grows ? 50u : 30u)) {
        add();
      } else if (dice < 60) {
        resize(pick_live());
      } else if (dice == 60) {
        heap_->purge();
      } else {
        remove(pick_live());
      }
      if (i % 32 == 0) {
        ASSERT_EQ(heap_->check(), 0) << "after operation " << i;
      }
      ASSERT_FALSE(testing::Test::HasFatalFailure());
      ASSERT_EQ(heap_->stats().total_allocated_bytes, live_bytes_);
      ASSERT_EQ(heap_->stats().live_blocks, live_.size());
      ASSERT_EQ(heap_->stats().total_pages, heap_->pages().pages_held());
    }
    while (!live_.empty()) remove(live_.size() - 1);
    ASSERT_EQ(heap_->check(), 0);
  }

  unsigned pick(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  std::size_t pick_live() { return pick(static_cast<unsigned>(live_.size())); }

  // Mostly small, some around page and region size, a few far beyond.
  std::size_t pick_size() {
    switch (pick(16)) {
      case 0:
        return pick(4) * kPageBytes + pick(64);
      case 1:
        return pick(200000);
      case 2:
        return pick(8) == 0 ? Config::kRegionBytes - 128 + pick(256) : pick(5000);
      case 3:
        return pick(8) == 0 ? pick(5) * Config::kRegionBytes + pick(9000) : 0;
      default:
        return pick(pick(8) == 0 ? 2000 : 200);
    }
  }

  void add() {
    const std::size_t size = pick_size();
    const bool zeroed = pick(4) == 0;
    const std::size_t align = !zeroed && pick(6) == 0 ? std::size_t{1} << pick(18) : 0;
    auto* p = static_cast<unsigned char*>(zeroed ? heap_->allocate_zeroed(size)
                                                 : heap_->allocate(size, align));
    if (p == nullptr) return refused();
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    ASSERT_TRUE(is_aligned(address, align > Config::kAlignBytes ? align : Config::kAlignBytes));
    if (zeroed) {
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(p[i], 0) << "byte " << i << " of " << size;
    }
    enter({p, size, static_cast<unsigned char>(random_())});
  }

  void resize(std::size_t index) {
    Live old = live_[index];
    verify(old, old.usable);
    const std::size_t size = pick_size() + 1;
    auto* p = static_cast<unsigned char*>(heap_->reallocate(old.p, size));
    if (p == nullptr) {
      verify(old, old.usable);
      return refused();
    }
    leave(index);
    verify({p, size, old.seed}, size < old.usable ? size : old.usable);
    enter({p, size, static_cast<unsigned char>(random_())});
  }

  void remove(std::size_t index) {
    const Live old = live_[index];
    verify(old, old.usable);
    leave(index);
    heap_->deallocate(old.p);
  }

  // The whole usable size is the caller's, so all of it is filled.
  void enter(const Live& block) {
    const std::size_t usable = heap_->usable_size(block.p);
    ASSERT_GE(usable, block.size);
    const auto start = reinterpret_cast<std::uintptr_t>(block.p);
    const auto after = extents_.upper_bound(start);
    if (after != extents_.end()) {
      ASSERT_LE(start + usable, after->first);
    }
    if (after != extents_.begin()) {
      ASSERT_LE(std::prev(after)->second, start);
    }
    extents_[start] = start + usable;
    for (std::size_t i = 0; i < usable; ++i) block.p[i] = byte(block.seed, i);
    live_.push_back(block);
    live_.back().usable = usable;
    live_bytes_ += block.size;
  }

  void leave(std::size_t index) {
    extents_.erase(reinterpret_cast<std::uintptr_t>(live_[index].p));
    live_bytes_ -= live_[index].size;
    live_[index] = live_.back();
    live_.pop_back();
  }

  static unsigned char byte(unsigned char seed, std::size_t i) {
    return static_cast<unsigned char>(seed + i * 31);
  }
  void verify(const Live& block, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (block.p[i] != byte(block.seed, i)) {
        FAIL() << "byte " << i << " of a block of " << block.size << " changed";
      }
    }
  }
  void refused() {
    ++refusals_;
    ASSERT_EQ(heap_->check(), 0);
  }

  std::mt19937_64 random_;
  std::unique_ptr<BlockHeap<Config, SimulatedPages>> heap_ =
      std::make_unique<BlockHeap<Config, SimulatedPages>>();
  std::vector<Live> live_;
  std::map<std::uintptr_t, std::uintptr_t> extents_;
  std::size_t live_bytes_ = 0;
  int refusals_ = 0;
};

using Configs = testing::Types<ClassicConfig, SegregatedConfig>;
TYPED_TEST_SUITE(BlockHeapPropertyTest, Configs);

TYPED_TEST(BlockHeapPropertyTest, AgreesWithItsShadow) {
  this->run(1, 8000, 200);
  EXPECT_EQ(this->refusals_, 0);
}

TYPED_TEST(BlockHeapPropertyTest, AgreesWithItsShadowWhenNearlyEmpty) {
  this->run(2, 8000, 4);
  this->heap_->purge();
  EXPECT_LE(this->heap_->stats().total_pages, 1u);  // all given back but the region table
}

TYPED_TEST(BlockHeapPropertyTest, SurvivesRefusedMaps) {
  this->run_with_refusals({{PageCall::kMap, 2}}, 3, 100);
  EXPECT_GT(this->refusals_, 0);
}

TYPED_TEST(BlockHeapPropertyTest, SurvivesRefusedUnmaps) {
  this->run_with_refusals({{PageCall::kUnmap, 3}}, 4, 50);
}

TYPED_TEST(BlockHeapPropertyTest, SurvivesRefusedDiscards) {
  this->run_with_refusals({{PageCall::kDiscard, 2}}, 5, 50);
}

TYPED_TEST(BlockHeapPropertyTest, SurvivesAllRefusalsAtOnce) {
  this->run_with_refusals({{PageCall::kMap, 5}, {PageCall::kUnmap, 2}, {PageCall::kDiscard, 3}}, 6,
                          60);
}

TYPED_TEST(BlockHeapPropertyTest, EqualSeedsGiveEqualLayouts) {
  auto twin = std::make_unique<BlockHeap<TypeParam, SimulatedPages>>();
  std::vector<std::ptrdiff_t> offsets[2];
  for (int which = 0; which < 2; ++which) {
    auto& heap = which == 0 ? *this->heap_ : *twin;
    this->random_.seed(9);
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) {
      blocks.push_back(heap.allocate(this->pick(3000), 0));
      if (this->pick(2) == 0) {
        heap.deallocate(blocks.back());
        blocks.pop_back();
      }
    }
    for (void* p : blocks) {
      offsets[which].push_back(static_cast<char*>(p) - static_cast<char*>(blocks[0]));
    }
  }
  EXPECT_EQ(offsets[0], offsets[1]);
}

}  // namespace
}  // namespace mem
