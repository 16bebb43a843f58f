#include "replay/engine/hot_loop.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace replay {
namespace {

// Says what it was asked; optional capabilities are left out.
struct Scripted {
  std::vector<std::string> log;
  std::map<void*, std::size_t> live;
  bool refuse = false;

  void* allocate(std::size_t size, std::size_t align) noexcept {
    log.push_back("allocate " + std::to_string(size) + " " + std::to_string(align));
    if (refuse) return nullptr;
    void* p = std::aligned_alloc(4096, (size / 4096 + 1) * 4096);
    std::memset(p, 0xff, size);
    live[p] = size;
    return p;
  }
  void deallocate(void* p) noexcept {
    log.push_back(p == nullptr ? "deallocate null" : "deallocate");
    live.erase(p);
    std::free(p);
  }
};

struct HotLoopTest : ::testing::Test {
  ~HotLoopTest() override {
    for (const auto& [p, size] : scripted.live) std::free(p);
  }

  template <Touch kTouch>
  std::uint64_t run(const std::vector<PlanWord>& words) {
    NoProbe probe;
    return run_plan<kTouch>(mem::AnyAllocator(scripted), words.data(), words.data() + words.size(),
                            slots, probe);
  }
  unsigned char byte(int slot, std::size_t at) const {
    return static_cast<unsigned char*>(slots[slot])[at];
  }

  Scripted scripted;
  void* slots[4] = {};
};

TEST_F(HotLoopTest, MakesTheCallsOfThePlanInOrder) {
  EXPECT_EQ(run<Touch::kNone>({plan_word(0, Op::kMalloc, 7), plan_word(1, Op::kAligned, 9), 64,
                               plan_word(0, Op::kFree, 0), plan_word(2, Op::kMalloc, kWideSize),
                               kWideSize}),
            0U);
  EXPECT_EQ(scripted.log, (std::vector<std::string>{"allocate 7 0", "allocate 9 64", "deallocate",
                                                    "allocate 268435455 0"}));
  EXPECT_EQ(slots[0], nullptr);
}

TEST_F(HotLoopTest, CallocWithoutTheCapabilityIsZeroed) {
  run<Touch::kNone>({plan_word(0, Op::kCalloc, 5000)});
  for (std::size_t i = 0; i < 5000; ++i) ASSERT_EQ(byte(0, i), 0);
}

// Hands out an address that nobody may touch.
struct Unbacked {
  static constexpr bool kBacked = false;
  void* allocate(std::size_t, std::size_t) noexcept { return reinterpret_cast<void*>(64); }
  void deallocate(void*) noexcept {}
};

TEST_F(HotLoopTest, AnUnbackedAllocatorsMemoryIsLeftAlone) {
  Unbacked unbacked;
  NoProbe probe;
  const PlanWord words[] = {plan_word(0, Op::kCalloc, 5000), plan_word(0, Op::kRealloc, 9000), 5000,
                            plan_word(0, Op::kFree, 0)};
  EXPECT_EQ(run_plan<Touch::kNone>(mem::AnyAllocator(unbacked), words, words + 4, slots, probe),
            0U);
}

TEST_F(HotLoopTest, ReallocWithoutTheCapabilityKeepsTheContents) {
  run<Touch::kNone>({plan_word(0, Op::kMalloc, 3)});
  std::memcpy(slots[0], "abc", 3);
  run<Touch::kNone>({plan_word(0, Op::kRealloc, 2), 3});
  EXPECT_EQ(std::memcmp(slots[0], "ab", 2), 0);
  run<Touch::kNone>({plan_word(0, Op::kRealloc, 100), 2});
  EXPECT_EQ(std::memcmp(slots[0], "ab", 2), 0);
  EXPECT_EQ(scripted.live.size(), 1U);
}

TEST_F(HotLoopTest, TouchPageWritesOneByteOnEveryPageThatAnObjectSpans) {
  run<Touch::kPage>({plan_word(0, Op::kMalloc, 3 * 4096 + 1)});
  for (std::size_t i = 0; i < 3 * 4096 + 1; ++i) {
    ASSERT_EQ(byte(0, i), i % 4096 == 0 ? 0x5a : 0xff) << i;
  }
}

TEST_F(HotLoopTest, TouchAllWritesEveryByteAndReallocOnlyTheNewOnes) {
  run<Touch::kAll>({plan_word(0, Op::kMalloc, 100)});
  for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(byte(0, i), 0x5a);
  std::memset(slots[0], 1, 100);
  run<Touch::kAll>({plan_word(0, Op::kRealloc, 200), 100});
  EXPECT_EQ(byte(0, 99), 1);
  EXPECT_EQ(byte(0, 100), 0x5a);
  EXPECT_EQ(byte(0, 199), 0x5a);
}

TEST_F(HotLoopTest, CountsRefusalsAndLeavesNothingBehind) {
  run<Touch::kAll>({plan_word(0, Op::kMalloc, 10)});
  scripted.refuse = true;
  EXPECT_EQ(run<Touch::kAll>({plan_word(1, Op::kMalloc, 10), plan_word(0, Op::kRealloc, 20), 10,
                              plan_word(0, Op::kFree, 0), plan_word(1, Op::kFree, 0)}),
            2U);
  EXPECT_TRUE(scripted.live.empty());
}

}  // namespace
}  // namespace replay
