// Random operations of several thread heaps on one heap, in one thread, so that a seed is one
// history; beside it a shadow that only remembers what each block must hold. Contents are verified
// when a block changes or dies, no block may overlap another, and every few operations each heap's
// invariants and counters are counted again.
#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "core/os/simulated_pages.h"
#include "tests/support/mem_heap_audit.h"

namespace mem {
namespace {

constexpr unsigned kThreads = 4;

struct Mix {
  const char* name;
  std::size_t largest;    // of the sizes that are asked for over and over
  unsigned sizes;         // how many of those there are
  std::size_t live;       // blocks, about
  unsigned other_of_100;  // requests of any size up to `largest`
  unsigned huge_of_100;   // requests beyond 32 KiB
};
constexpr Mix kMixes[] = {
    {"Tiny", 64, 3, 3000, 5, 0},         {"Small", 1024, 10, 1500, 10, 0},
    {"AnySmall", 1024, 1, 1000, 95, 0},  {"Medium", 32768, 6, 200, 10, 0},
    {"AnyMedium", 32768, 1, 200, 95, 1}, {"Mixed", 5000, 12, 500, 20, 2},
    {"Large", 20000, 2, 40, 20, 60},     {"Few", 3000, 4, 12, 20, 3},
};

class MemHeapPropertyTest : public testing::TestWithParam<std::tuple<Mix, unsigned>> {
 protected:
  struct Live {
    unsigned char* p = nullptr;
    std::size_t size = 0;
    unsigned char seed = 0;
    std::size_t usable = 0;
  };

  MemHeapPropertyTest() : mix_(std::get<0>(GetParam())) {
    random_.seed(std::get<1>(GetParam()) * 977 + mix_.sizes);
    for (unsigned i = 0; i < mix_.sizes; ++i) sizes_.push_back(1 + random_() % mix_.largest);
    for (ThreadHeap*& thread : threads_) thread = adopt();
  }

  void run(int operations) {
    std::size_t target = mix_.live;
    for (int i = 0; i < operations; ++i) {
      // What lives rises and falls, and what is asked for changes, so slabs become sparse.
      if (pick(operations / 6) == 0) {
        target = mix_.live / 16 + pick(mix_.live);
        sizes_[pick(sizes_.size())] = 1 + pick(mix_.largest);
      }
      step(target);
      if (HasFatalFailure()) FAIL() << "in operation " << i;
      if (i % 64 == 0) {
        audit_all();
        if (HasFatalFailure()) FAIL() << "after operation " << i;
      }
    }
    finish();
  }

  // Of each kind of call: 1 = all, 0 = none.
  void refuse_one_in(unsigned n) {
    for (PageCall call : {PageCall::kMap, PageCall::kReserve, PageCall::kCommit, PageCall::kUnmap,
                          PageCall::kDiscard, PageCall::kMove}) {
      heap_->runs().os().fail_one_in(call, n);
    }
  }

  void step(std::size_t target) {
    if (weather_changes_ && pick(50) == 0) refuse_one_in(pick(4));
    const unsigned dice = pick(1000);
    if (dice < 3) return come_or_go();
    if (dice < 5) return void(heap_->purge(thread()));
    if (dice < 15) return heap_->slabs().flush(thread());
    if (dice < 20) return heap_->slabs().collect(thread());
    if (dice < 25) return heap_->runs().os().advance_ms(60);
    if (live_.empty() || dice < (live_.size() < target ? 550u : 350u)) return add();
    if (dice < 650) return resize(pick(live_.size()));
    remove(pick(live_.size()));
  }

  // A thread ends, or one begins, with an orphan's heap or a new one.
  void come_or_go() {
    ThreadHeap*& thread = threads_[pick(kThreads)];
    if (thread == nullptr) {
      thread = adopt();
    } else if (std::count(threads_, threads_ + kThreads, nullptr) < 2) {
      heap_->slabs().abandon(*thread);
      thread = nullptr;
    }
  }
  ThreadHeap* adopt() {
    ThreadHeap* thread = heap_->slabs().adopt();
    if (thread != nullptr && std::find(made_.begin(), made_.end(), thread) == made_.end()) {
      made_.push_back(thread);
    }
    return thread;
  }

  void add() {
    const std::size_t size = pick_size();
    const unsigned kind = pick(8);
    const std::size_t align = kind == 1 ? std::size_t{1} << pick(15) : 16;
    ThreadHeap& by = thread();
    void* made = kind == 0   ? heap_->allocate_zeroed(by, size)
                 : kind == 1 ? heap_->allocate_aligned(by, size, align)
                             : heap_->allocate(by, size);
    if (made == nullptr) return refused();
    ++made_blocks_;
    auto* p = static_cast<unsigned char*>(made);
    ASSERT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p), std::max<std::size_t>(align, 16)));
    if (kind == 0) {
      ASSERT_EQ(std::count(p, p + size, 0), static_cast<std::ptrdiff_t>(size)) << "not zeroed";
    }
    enter(p, size);
  }

  void resize(std::size_t index) {
    const Live old = live_[index];
    verify(old, old.usable);
    const std::size_t size =
        pick(3) == 0 ? pick_size() + 1 : std::max<std::size_t>(1, old.size + pick(200) - 100);
    if (size > (std::size_t{1} << 24)) return;
    auto* p = static_cast<unsigned char*>(heap_->reallocate(thread(), old.p, size));
    if (p == nullptr) {
      verify(old, old.usable);
      return refused();
    }
    leave(index);
    verify({p, size, old.seed, old.usable}, std::min(size, old.usable));
    enter(p, size);
  }

  void remove(std::size_t index) {
    const Live old = live_[index];
    verify(old, old.usable);
    leave(index);
    ASSERT_GE(heap_->usable_size(old.p), old.usable);
    if (pick(32) == 0) return heap_->deallocate_remote(old.p);
    heap_->deallocate(thread(), old.p);
  }

  // All that is usable is the caller's, so all of it is written to.
  void enter(unsigned char* p, std::size_t size) {
    const Live block{p, size, static_cast<unsigned char>(random_()), heap_->usable_size(p)};
    ASSERT_GE(block.usable, size);
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    const auto after = extents_.upper_bound(start);
    if (after != extents_.end()) {
      ASSERT_LE(start + block.usable, after->first) << "overlaps the next";
    }
    if (after != extents_.begin()) {
      ASSERT_LE(std::prev(after)->second, start) << "overlaps the one before";
    }
    extents_[start] = start + block.usable;
    for (std::size_t i = 0; i < block.usable; i += stride(block)) p[i] = byte(block, i);
    p[block.usable - 1] = byte(block, block.usable - 1);
    live_.push_back(block);
  }
  void leave(std::size_t index) {
    extents_.erase(reinterpret_cast<std::uintptr_t>(live_[index].p));
    live_[index] = live_.back();
    live_.pop_back();
  }
  static std::size_t stride(const Live& block) { return block.usable <= 4096 ? 1 : 61; }
  static unsigned char byte(const Live& block, std::size_t i) {
    return static_cast<unsigned char>(block.seed + i * 31 + (i >> 8));
  }
  void verify(const Live& block, std::size_t size) {
    for (std::size_t i = 0; i < size; i += stride(block)) {
      if (block.p[i] != byte(block, i))
        FAIL() << "byte " << i << " of " << block.size << " changed";
    }
    if (size == block.usable && block.p[size - 1] != byte(block, size - 1)) {
      FAIL() << "the last byte of " << block.size << " changed";
    }
  }

  void refused() {
    ++refusals_;
    audit_all();
  }
  void audit_all() {
    for (ThreadHeap* thread : made_) ASSERT_EQ(audit(*heap_, *thread), "");
    const HeapStats stats = heap_->stats(*made_.front());
    ASSERT_GE(stats.live_blocks, live_.size());
    std::size_t bytes = 0;
    for (const Live& block : live_) bytes += block.size;
    ASSERT_GE(stats.total_allocated_bytes, bytes);
  }

  // No counter is off at the end: what lives is what lives, and then nothing is left.
  void finish() {
    refuse_one_in(0);
    for (ThreadHeap*& thread : threads_) {
      if (thread != nullptr) heap_->slabs().abandon(*thread);
    }
    for (std::size_t i = 0; i < made_.size(); ++i) threads_[i] = heap_->slabs().adopt();
    purge_all();
    audit_all();
    ASSERT_EQ(heap_->stats(*made_.front()).live_blocks, live_.size());
    while (!live_.empty()) {
      remove(live_.size() - 1);
      ASSERT_FALSE(HasFatalFailure());
    }
    purge_all();
    audit_all();
    ASSERT_EQ(heap_->stats(*made_.front()).live_blocks, 0u);
    ASSERT_EQ(heap_->stats(*made_.front()).total_allocated_bytes, 0u);
    ASSERT_EQ(heap_->runs().used_pages(), 0u);
    ASSERT_EQ(heap_->detailed_stats(*made_.front()).dirty_pages, 0u);
  }
  // The first round sends what others have to collect in the second.
  void purge_all() {
    for (int round = 0; round < 2; ++round) {
      for (ThreadHeap* thread : made_) heap_->purge(*thread);
    }
  }

  std::size_t pick(std::size_t bound) { return random_() % bound; }
  unsigned pick(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  unsigned pick(int bound) { return pick(static_cast<unsigned>(bound)); }
  std::size_t pick_size() {
    const unsigned dice = pick(100u);
    if (dice < mix_.huge_of_100) {
      return pick(4) == 0 ? pick(std::size_t{1} << 20) : 32769 + pick(std::size_t{100000});
    }
    if (dice < mix_.huge_of_100 + mix_.other_of_100) return pick(mix_.largest + 1);
    return sizes_[pick(sizes_.size())];
  }
  ThreadHeap& thread() {
    for (;;) {
      if (ThreadHeap* thread = threads_[pick(kThreads)]; thread != nullptr) return *thread;
    }
  }

  Mix mix_;
  std::mt19937_64 random_;
  std::vector<std::size_t> sizes_;
  std::unique_ptr<MemHeap<SimulatedPages>> heap_ = std::make_unique<MemHeap<SimulatedPages>>();
  ThreadHeap* threads_[kThreads] = {};
  std::vector<ThreadHeap*> made_;
  std::vector<Live> live_;
  std::map<std::uintptr_t, std::uintptr_t> extents_;
  int refusals_ = 0;
  int made_blocks_ = 0;
  bool weather_changes_ = false;  // how many calls are refused, now and then
};

TEST_P(MemHeapPropertyTest, AgreesWithItsShadow) {
  run(5000);
  EXPECT_EQ(refusals_, 0);
}

TEST_P(MemHeapPropertyTest, SurvivesRefusals) {
  // Nothing is refused to the first block: what was reserved and cannot be given back would fill
  // these few addresses before the heap has begun.
  heap_->deallocate(*threads_[0], heap_->allocate(*threads_[0], 1));
  weather_changes_ = true;
  refuse_one_in(1 + std::get<1>(GetParam()) % 3);
  run(5000);
  EXPECT_GT(made_blocks_, 1000);
  EXPECT_GT(refusals_, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MemHeapPropertyTest,
                         testing::Combine(testing::ValuesIn(kMixes), testing::Range(1u, 7u)),
                         [](const auto& param_info) {
                           return std::get<0>(param_info.param).name +
                                  std::to_string(std::get<1>(param_info.param));
                         });

}  // namespace
}  // namespace mem
