#include "replay/engine/latency_probe.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <memory>
#include <thread>

#include "replay/engine/hot_loop.h"

namespace replay {
namespace {

// Each window takes as long as the test says.
struct FakeTimer {
  static inline std::uint64_t window_ticks = 0;
  static std::uint64_t start() { return 1000; }
  static std::uint64_t stop() { return 1000 + window_ticks; }
};

struct FakeWatch {
  struct Switches {
    static bool work() { return true; }
  };
  static inline Disturbance next = Disturbance::kNone;
  static void begin() {}
  static Disturbance end() { return next; }
  static Switches switches() { return {}; }
};

// Hands out two addresses in turn, the second a thousand pages on.
struct TwoPlaces {
  static constexpr bool kBacked = false;
  int calls = 0;
  void* allocate(std::size_t, std::size_t) noexcept {
    return reinterpret_cast<void*>(calls++ % 2 == 0 ? 4096L : 4096L * 1000);
  }
  void deallocate(void*) noexcept {}
};

struct LatencyProbeTest : ::testing::Test {
  LatencyProbeTest() {
    FakeTimer::window_ticks = 40;
    FakeWatch::next = Disturbance::kNone;
  }
  template <class Probe>
  void run(Probe& probe, const std::vector<PlanWord>& words) {
    run_plan<Touch::kNone>(mem::AnyAllocator(allocator), words.data(), words.data() + words.size(),
                           slots, probe);
  }
  std::uint64_t count(Op op, std::uint64_t size, bool special) const {
    return detail->classes[static_cast<int>(op)][size_class_of(size)][special ? 1 : 0].count;
  }

  TwoPlaces allocator;
  void* slots[4] = {};
  TickHistogram by_op[kOpCount] = {};
  std::unique_ptr<LatencyDetail> detail = std::make_unique<LatencyDetail>();
  PageSet pages;
};

TEST_F(LatencyProbeTest, SortsCallsByOperationSizeAndCircumstance) {
  ASSERT_TRUE(pages.prepare());
  LatencyProbe<FakeTimer, FakeWatch> probe(by_op, *detail, pages, 0);
  run(probe, {plan_word(0, Op::kMalloc, 100), plan_word(1, Op::kMalloc, 100),
              plan_word(2, Op::kMalloc, 100), plan_word(0, Op::kFree, free_note(4, false)),
              plan_word(1, Op::kFree, free_note(4, true))});
  EXPECT_EQ(by_op[static_cast<int>(Op::kMalloc)].count, 3U);
  EXPECT_EQ(count(Op::kMalloc, 100, true), 2U);   // the first on its page, twice
  EXPECT_EQ(count(Op::kMalloc, 100, false), 1U);  // on a page that was used
  EXPECT_EQ(count(Op::kFree, 128, false), 1U);
  EXPECT_EQ(count(Op::kFree, 128, true), 1U);
  EXPECT_EQ(by_op[static_cast<int>(Op::kFree)].sum, 80U);
  EXPECT_TRUE(detail->preemptions_seen);
}

TEST_F(LatencyProbeTest, NamesTheLongestByTheirEvent) {
  LatencyProbe<FakeTimer, FakeWatch> probe(by_op, *detail, pages, 7);
  run(probe, {plan_word(0, Op::kMalloc, 1)});
  FakeTimer::window_ticks = 5000;
  run(probe, {plan_word(1, Op::kMalloc, 3000), plan_word(1, Op::kFree, free_note(9, false))});
  ASSERT_EQ(detail->longest.count, 3U);
  EXPECT_EQ(detail->longest.calls[1].event, 8U);
  EXPECT_EQ(detail->longest.calls[1].ticks, 5000U);
  EXPECT_EQ(detail->longest.calls[1].size, 3000U);
  EXPECT_EQ(detail->longest.calls[2].event, 9U);
  EXPECT_EQ(detail->longest.calls[2].size, 4096U);
}

TEST_F(LatencyProbeTest, ADisturbedWindowStandsApart) {
  LatencyProbe<FakeTimer, FakeWatch> probe(by_op, *detail, pages, 0);
  FakeWatch::next = Disturbance::kPreempted;
  run(probe, {plan_word(0, Op::kMalloc, 1)});
  EXPECT_EQ(by_op[static_cast<int>(Op::kMalloc)].count, 0U);
  EXPECT_EQ(detail->disturbed[static_cast<int>(Disturbance::kPreempted)], 1U);
  EXPECT_EQ(detail->disturbed_by_op[static_cast<int>(Op::kMalloc)], 1U);
  EXPECT_EQ(detail->disturbed_windows.count, 1U);
  EXPECT_EQ(detail->longest.calls[0].disturbance, Disturbance::kPreempted);
}

// Takes a fresh page and asks the kernel, by way of a count that the test keeps.
struct Faulting {
  std::uint64_t* memory_calls;
  void* allocate(std::size_t size, std::size_t) noexcept {
    void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ++memory_calls[static_cast<int>(MemoryCall::kMmap)];
    *static_cast<volatile char*>(p) = 1;
    return p;
  }
  void deallocate(void*) noexcept {}
};

TEST_F(LatencyProbeTest, ASecondLookSaysWhatHappenedInTheCallsThatWereAskedFor) {
  std::uint64_t memory_calls[kMemoryCallCount] = {};
  Faulting faulting{memory_calls};
  ExplainedCall asked[2] = {};
  asked[0].event = 11;
  asked[1].event = 12;
  ExplainProbe<FakeTimer> probe(asked, asked + 2, memory_calls, 10);
  const PlanWord words[] = {plan_word(0, Op::kMalloc, 1 << 20), plan_word(1, Op::kMalloc, 1 << 20),
                            plan_word(0, Op::kFree, 0), plan_word(1, Op::kFree, 0)};
  run_plan<Touch::kNone>(mem::AnyAllocator(faulting), words, words + 4, slots, probe);
  EXPECT_TRUE(asked[0].seen);
  EXPECT_EQ(asked[0].ticks, 40U);
  EXPECT_GE(asked[0].page_faults, 1U);
  EXPECT_EQ(asked[0].memory_calls[static_cast<int>(MemoryCall::kMmap)], 1U);
  EXPECT_TRUE(asked[1].seen);
  EXPECT_EQ(asked[1].page_faults, 0U);
  EXPECT_EQ(asked[1].memory_calls[static_cast<int>(MemoryCall::kMmap)], 0U);
}

// An allocation lasts until the thread has waited, a free until the kernel has taken its CPU away.
struct SwitchedOff {
  template <class Act>
  static void act_until_grown(long rusage::*count, Act act) {
    rusage before;
    ::getrusage(RUSAGE_THREAD, &before);
    for (rusage now = before; now.*count == before.*count; ::getrusage(RUSAGE_THREAD, &now)) act();
  }
  void* allocate(std::size_t, std::size_t) noexcept {
    act_until_grown(&rusage::ru_nvcsw, [] {
      constexpr timespec kMoment{0, 100'000};
      ::nanosleep(&kMoment, nullptr);
    });
    return this;
  }
  void deallocate(void*) noexcept {
    act_until_grown(&rusage::ru_nivcsw, [] { ::sched_yield(); });
  }
};

TEST_F(LatencyProbeTest, ASecondLookCountsWaitsAndPreemptions) {
  std::uint64_t memory_calls[kMemoryCallCount] = {};
  ExplainedCall asked[2] = {};
  asked[1].event = 1;
  // A thread of its own, which shares one CPU with one that never rests.
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
    std::atomic<bool> done = false;
    std::thread other([&] {
      while (!done) continue;
    });
    SwitchedOff switched_off;
    ExplainProbe<FakeTimer> probe(asked, asked + 2, memory_calls, 0);
    const PlanWord words[] = {plan_word(0, Op::kMalloc, 1), plan_word(0, Op::kFree, 0)};
    run_plan<Touch::kNone>(mem::AnyAllocator(switched_off), words, words + 2, slots, probe);
    done = true;
    other.join();
  }).join();
  EXPECT_GE(asked[0].waits, 1U);
  EXPECT_GE(asked[1].preemptions, 1U);
}

TEST_F(LatencyProbeTest, CallsOfAnEarlierThreadOfTheLaneArePassedBy) {
  std::uint64_t memory_calls[kMemoryCallCount] = {};
  ExplainedCall asked[2] = {};
  asked[0].event = 3;
  asked[1].event = 10;
  ExplainProbe<FakeTimer> probe(asked, asked + 2, memory_calls, 10);
  run(probe, {plan_word(0, Op::kMalloc, 1)});
  EXPECT_FALSE(asked[0].seen);
  EXPECT_TRUE(asked[1].seen);
}

}  // namespace
}  // namespace replay
