#include "replay/engine/call_counts_probe.h"

#include <gtest/gtest.h>

#include "replay/engine/hot_loop.h"

namespace replay {
namespace {

// Counters that move when the test's allocator works, and by 5 when they are read.
struct Source {
  std::uint64_t value = 0;
  unsigned count = 2;
  bool off_hardware = false;
  int open_windows = 0;
};
struct FakeCounters {
  explicit FakeCounters(Source& source) : source_(source) {}
  unsigned count() const { return source_.count; }
  Counter counter(unsigned i) const { return i == 0 ? Counter::kCycles : Counter::kBranches; }
  std::uint64_t begin(unsigned) {
    EXPECT_EQ(source_.open_windows++, 0);
    return source_.value;
  }
  std::uint64_t end(unsigned, std::uint64_t begin) {
    EXPECT_EQ(--source_.open_windows, 0);
    source_.value += 5;
    return source_.off_hardware ? kNotCounted : source_.value - begin;
  }
  Source& source_;
};

// Each kind of call takes its own number of counts.
struct Working {
  static constexpr bool kBacked = false;
  Source& source;
  void* allocate(std::size_t, std::size_t align) noexcept { return work(align == 0 ? 100 : 400); }
  void* allocate_zeroed(std::size_t) noexcept { return work(200); }
  void* reallocate(void*, std::size_t) noexcept { return work(300); }
  void deallocate(void*) noexcept { work(50); }
  void* work(std::uint64_t counts) noexcept {
    source.value += counts;
    return this;
  }
};

struct CallCountsProbeTest : ::testing::Test {
  // Rounds of one call of each kind.
  void run(int rounds) {
    CallCountsProbe<FakeCounters> probe(counts, seed, source);
    const PlanWord words[] = {plan_word(0, Op::kMalloc, 8),   plan_word(1, Op::kCalloc, 8),
                              plan_word(0, Op::kRealloc, 16), 8,
                              plan_word(2, Op::kAligned, 8),  64,
                              plan_word(0, Op::kFree, 0)};
    for (int i = 0; i < rounds; ++i) {
      run_plan<Touch::kNone>(mem::AnyAllocator(allocator), words, words + std::size(words), slots,
                             probe);
    }
  }
  std::uint64_t windows(Op op) const {
    std::uint64_t sum = 0;
    for (const CallCount& count : counts.by_op[static_cast<int>(op)]) sum += count.windows;
    return sum;
  }
  const CallCount& of(Op op, Counter counter) const {
    return counts.by_op[static_cast<int>(op)][static_cast<int>(counter)];
  }

  std::uint64_t seed = 1;
  Source source;
  Working allocator{source};
  void* slots[3] = {};
  CallCounts counts{};
};

// Else the first call of every thread would be seen by the same counter.
TEST_F(CallCountsProbeTest, SeedsDrawDifferently) {
  std::uint64_t by_cycles = 0;
  constexpr std::uint64_t kSeeds = 16;
  for (seed = 1; seed <= kSeeds; ++seed) {
    counts = {};
    run(1);
    ASSERT_EQ(windows(Op::kMalloc), 1U);
    by_cycles += of(Op::kMalloc, Counter::kCycles).windows;
  }
  EXPECT_GT(by_cycles, 0U);
  EXPECT_LT(by_cycles, kSeeds);
}

TEST_F(CallCountsProbeTest, EveryCallIsCountedForItsOperation) {
  run(1000);
  const std::pair<Op, double> expected[] = {{Op::kMalloc, 105},
                                            {Op::kCalloc, 205},
                                            {Op::kRealloc, 305},
                                            {Op::kAligned, 405},
                                            {Op::kFree, 55}};
  for (const auto& [op, mean] : expected) {
    EXPECT_EQ(windows(op), 1000U) << op_name(op);
    for (const Counter counter : {Counter::kCycles, Counter::kBranches}) {
      // Drawn at random: each counter gets its half of the calls, whatever their order.
      EXPECT_NEAR(static_cast<double>(of(op, counter).windows), 500, 100) << op_name(op);
      EXPECT_EQ(of(op, counter).mean(), mean) << op_name(op);
    }
    EXPECT_EQ(of(op, Counter::kInstructions).windows, 0U);
  }
}

TEST_F(CallCountsProbeTest, SomeWindowsAreAroundNothing) {
  run(1000);
  std::uint64_t empty = 0;
  for (const Counter counter : {Counter::kCycles, Counter::kBranches}) {
    const CallCount& count = counts.empty[static_cast<int>(counter)];
    EXPECT_EQ(count.mean(), 5);
    empty += count.windows;
  }
  EXPECT_NEAR(static_cast<double>(empty), 5000.0 / 8, 120);
}

TEST_F(CallCountsProbeTest, EveryRunLooksAtTheSameCalls) {
  run(100);
  const CallCounts first = counts;
  counts = {};
  run(100);
  for (int op = 0; op < kOpCount; ++op) {
    for (int i = 0; i < kCounterCount; ++i) {
      EXPECT_EQ(counts.by_op[op][i].windows, first.by_op[op][i].windows);
    }
  }
}

TEST_F(CallCountsProbeTest, AWindowThatTheCounterMissedIsNoZero) {
  source.off_hardware = true;
  run(10);
  EXPECT_EQ(windows(Op::kMalloc), 0U);
  EXPECT_EQ(of(Op::kMalloc, Counter::kCycles).missed + of(Op::kMalloc, Counter::kBranches).missed,
            10U);
}

TEST_F(CallCountsProbeTest, WithoutCountersItLooksAtNothing) {
  source.count = 0;
  run(10);
  EXPECT_EQ(windows(Op::kMalloc), 0U);
  EXPECT_EQ(of(Op::kMalloc, Counter::kCycles).missed, 0U);
}

}  // namespace
}  // namespace replay
