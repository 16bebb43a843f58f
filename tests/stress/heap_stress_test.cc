// Many threads on one heap: every operation, blocks handed from thread to thread, the counters and
// invariants read meanwhile. Meant for ThreadSanitizer as much as for its own assertions.
#include <gtest/gtest.h>
#include <string.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "core/mem/heap.h"

namespace mem {
namespace {

constexpr int kThreads = 4;
constexpr int kOperations = 20000;
constexpr std::size_t kSlots = 256;

// The first bytes of a block tell its size and repeat it at its end.
void sign(unsigned char* p, std::size_t size) {
  memcpy(p, &size, sizeof(size));
  memcpy(p + size - sizeof(size), &size, sizeof(size));
}
std::size_t signature(const unsigned char* p) {
  std::size_t head = 0;
  std::size_t tail = 0;
  memcpy(&head, p, sizeof(head));
  memcpy(&tail, p + head - sizeof(tail), sizeof(tail));
  return head == tail ? head : 0;
}

template <class Config>
class HeapStressTest : public testing::Test {
 protected:
  void work(unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kOperations; ++i) {
      const std::size_t size = 16 + random() % (random() % 64 == 0 ? 300000 : 600);
      void* made = random() % 4 == 0 ? heap_.allocate_zeroed(size)
                                     : heap_.allocate(size, std::size_t{1} << random() % 10);
      auto* p = static_cast<unsigned char*>(made);
      sign(p, size);
      // Whoever finds a block in a slot owns it.
      unsigned char* old = slots_[random() % kSlots].exchange(p);
      if (old == nullptr) continue;
      if (signature(old) == 0) ++torn_;
      if (random() % 3 == 0) {
        old = static_cast<unsigned char*>(heap_.reallocate(old, size + 100));
        sign(old, size + 100);
      }
      heap_.deallocate(old);
      if (i % 1000 == 0) heap_.purge();
      if (i % 512 == 0 && heap_.check() != 0) ++torn_;
      if (heap_.stats().live_blocks > kSlots + kThreads) ++torn_;
    }
  }

  Heap<Config> heap_;
  std::atomic<unsigned char*> slots_[kSlots] = {};
  std::atomic<int> torn_{0};
};

using Configs = testing::Types<ClassicConfig, SegregatedConfig>;
TYPED_TEST_SUITE(HeapStressTest, Configs);

TYPED_TEST(HeapStressTest, BlocksChangeHandsWhole) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back([this, t] { this->work(t + 1); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(this->torn_, 0);
  for (auto& slot : this->slots_) this->heap_.deallocate(slot.load());
  EXPECT_EQ(this->heap_.check(), 0);
  EXPECT_EQ(this->heap_.stats().live_blocks, 0u);
  this->heap_.purge();
  EXPECT_LE(this->heap_.stats().total_pages, 1u);
}

}  // namespace
}  // namespace mem
