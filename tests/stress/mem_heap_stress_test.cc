// Many threads on one heap, each with a thread heap of its own that it takes when it begins and
// leaves when it ends: blocks change hands through shared slots, so most are freed by others, often
// when their owner is gone. Meant for ThreadSanitizer as much as for its own assertions.
#include <gtest/gtest.h>
#include <string.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "core/allocators/default_heap.h"  // for its extern templates

namespace mem {
namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kLives = 12;  // threads that come and go in each of those places
constexpr std::size_t kSlots = 512;
constexpr std::size_t kMostLive = 1'000'000;  // and free objects that count as live

// The first bytes of a block tell its size and repeat it at its end.
void sign(unsigned char* p, std::size_t size) {
  memcpy(p, &size, sizeof(size));
  memcpy(p + size - sizeof(size), &size, sizeof(size));
}
bool is_whole(const unsigned char* p) {
  std::size_t head = 0;
  std::size_t tail = 0;
  memcpy(&head, p, sizeof(head));
  memcpy(&tail, p + head - sizeof(tail), sizeof(tail));
  return head == tail;
}

class MemHeapStressTest : public testing::Test {
 protected:
  struct Mix {
    std::size_t largest;  // of sizes in general
    std::size_t common;   // asked for in half of the cases, so that it gets slabs
    unsigned huge_of_4096;
    int operations;
  };

  void run(const Mix& mix) {
    std::vector<std::thread> places;
    for (unsigned t = 0; t < kThreads; ++t) {
      places.emplace_back([this, t, &mix] {
        for (unsigned life = 0; life < kLives; ++life) {
          std::thread([&] { live(t * 100 + life, mix); }).join();
        }
      });
    }
    for (std::thread& place : places) place.join();
    EXPECT_EQ(torn_, 0);
    settle();
  }

  // One thread from its beginning to its end.
  void live(unsigned seed, const Mix& mix) {
    std::mt19937 random(seed);
    ThreadHeap& heap = *heap_->slabs().adopt();
    for (int i = 0; i < mix.operations; ++i) {
      std::size_t size = 16 + random() % mix.largest;
      if (random() % 2 == 0) size = mix.common;
      if (random() % 4096 < mix.huge_of_4096) size = 40000 + random() % 200000;
      auto* p = make(heap, size, static_cast<unsigned>(random()));
      if (p == nullptr) {
        ++torn_;
        continue;
      }
      sign(p, size);
      // Whoever finds a block in a slot owns it.
      unsigned char* old = slots_[random() % kSlots].exchange(p, std::memory_order_acq_rel);
      if (old != nullptr) drop(heap, old, static_cast<unsigned>(random()));
      // Slots run empty at times, so that slabs become sparse and empty.
      if (i % 1024 > 700) {
        old = slots_[random() % kSlots].exchange(nullptr, std::memory_order_acq_rel);
        if (old != nullptr) drop(heap, old, static_cast<unsigned>(random()));
      }
      if (i % 4000 == 3999) heap_->purge(heap);
#if !defined(__SANITIZE_THREAD__)  // statistics read what other threads write, and may be off by it
      if (i % 512 == 300 && heap_->stats(heap).live_blocks > kMostLive) ++torn_;
#endif
    }
    heap_->slabs().abandon(heap);
  }
  unsigned char* make(ThreadHeap& heap, std::size_t size, unsigned dice) {
    void* p = dice % 16 == 0 ? heap_->allocate_aligned(heap, size, std::size_t{1} << dice / 16 % 13)
              : dice % 16 == 1 ? heap_->allocate_zeroed(heap, size)
                               : heap_->allocate(heap, size);
    return static_cast<unsigned char*>(p);
  }
  void drop(ThreadHeap& heap, unsigned char* p, unsigned dice) {
    if (!is_whole(p)) ++torn_;
    std::size_t size = 0;
    memcpy(&size, p, sizeof(size));
    if (heap_->usable_size(p) < size) ++torn_;
    if (dice % 8 == 0) {  // what is another's, and by any thread
      const std::size_t other = dice % 16 == 0 ? size * 2 : size / 2 + 16;
      auto* moved = static_cast<unsigned char*>(heap_->reallocate(heap, p, other));
      if (moved == nullptr || memcmp(moved, &size, sizeof(size)) != 0) ++torn_;
      if (moved != nullptr) p = moved;
    }
    if (dice % 64 == 9) return heap_->deallocate_remote(p);
    heap_->deallocate(heap, p);
  }

  // All threads are gone. What they left is freed by one that adopts all of their heaps in turn.
  void settle() {
    std::vector<ThreadHeap*> heaps;
    for (unsigned t = 0; t < kThreads; ++t) heaps.push_back(heap_->slabs().adopt());
    for (auto& slot : slots_) {
      unsigned char* p = slot.exchange(nullptr);
      if (p == nullptr) continue;
      EXPECT_TRUE(is_whole(p));
      heap_->deallocate(*heaps[0], p);
    }
    for (int round = 0; round < 2; ++round) {
      for (ThreadHeap* heap : heaps) heap_->purge(*heap);
    }
    for (ThreadHeap* heap : heaps) EXPECT_EQ(heap_->check(*heap), 0);
    const MemStats stats = heap_->detailed_stats(*heaps.front());
    for (const SlabStats& bin : stats.bins) EXPECT_EQ(bin.slabs, 0u);
    for (const FitStats& fits : stats.fits) EXPECT_EQ(fits.spans, 0u);
    EXPECT_EQ(stats.large_live, 0u);
    EXPECT_EQ(heap_->stats(*heaps.front()).live_blocks, 0u);
    EXPECT_EQ(heap_->runs().used_pages(), 0u);
  }

  std::unique_ptr<MemHeap<LinuxPages>> heap_ = std::make_unique<MemHeap<LinuxPages>>();
  std::atomic<unsigned char*> slots_[kSlots] = {};
  std::atomic<int> torn_{0};
};

TEST_F(MemHeapStressTest, SmallBlocksChangeHands) { run({800, 48, 0, 8000}); }
TEST_F(MemHeapStressTest, MediumBlocksChangeHands) { run({30000, 2000, 0, 2500}); }
TEST_F(MemHeapStressTest, BlocksOfAllSizesChangeHands) { run({4000, 128, 80, 4000}); }

}  // namespace
}  // namespace mem
