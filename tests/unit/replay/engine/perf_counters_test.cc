#include "replay/engine/perf_counters.h"

#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <cstring>
#include <map>
#include <vector>

namespace replay {
namespace {

// A kernel whose counters count what the test says.
struct FakeKernel {
  struct Reading {
    std::uint64_t value, enabled_ns, running_ns;
  };
  std::vector<perf_event_attr> opened;
  std::map<std::uint64_t, Reading> readings;  // by config, of the hardware kind; others are refused
  std::vector<std::pair<int, unsigned long>> controlled;
  int closed = 0;
};
FakeKernel* fake = nullptr;

const PerfKernel kFakeKernel = {
    [](perf_event_attr* attributes) {
      if (attributes->type != PERF_TYPE_HARDWARE || !fake->readings.contains(attributes->config)) {
        return -1;
      }
      fake->opened.push_back(*attributes);
      return 100 + static_cast<int>(fake->opened.size()) - 1;
    },
    [](int fd, void* buffer, std::size_t bytes) -> long {
      const auto& attributes = fake->opened[static_cast<std::size_t>(fd - 100)];
      std::memcpy(buffer, &fake->readings[attributes.config], bytes);
      return static_cast<long>(bytes);
    },
    [](int fd, unsigned long request) {
      fake->controlled.emplace_back(fd, request);
      return 0;
    },
    [](int) -> const perf_event_mmap_page* { return nullptr; },
    [](const perf_event_mmap_page*) {},
    [](int) { ++fake->closed; },
};

struct PerfCountersTest : ::testing::Test {
  PerfCountersTest() { fake = &kernel; }
  FakeKernel kernel;
};

TEST_F(PerfCountersTest, CountsWhatTheKernelAllowsAndLeavesOutTheRest) {
  kernel.readings = {{PERF_COUNT_HW_INSTRUCTIONS, {1000, 50, 50}},
                     {PERF_COUNT_HW_CACHE_MISSES, {30, 40, 10}},
                     {PERF_COUNT_HW_BRANCH_MISSES, {0, 40, 0}}};
  {
    const PerfCounters counters(kAllCounters, kFakeKernel);
    counters.start();
    counters.stop();
    EXPECT_TRUE(counters.has(Counter::kInstructions));
    EXPECT_FALSE(counters.has(Counter::kCycles));
    EXPECT_FALSE(counters.has(Counter::kDtlbMisses));
    const CounterReading all = counters.read(Counter::kInstructions);
    EXPECT_TRUE(all.counted);
    EXPECT_EQ(all.value, 1000U);
    EXPECT_EQ(all.running_share, 1.0);
    // A quarter of the time on the hardware: four times as many in the whole.
    const CounterReading shared = counters.read(Counter::kCacheMisses);
    EXPECT_EQ(shared.value, 120U);
    EXPECT_EQ(shared.running_share, 0.25);
    // Never on the hardware: not counted, which is not zero.
    EXPECT_FALSE(counters.read(Counter::kBranchMisses).counted);
    EXPECT_FALSE(counters.read(Counter::kCycles).counted);
  }
  EXPECT_EQ(kernel.closed, 3);
  ASSERT_EQ(kernel.controlled.size(), 6U);
  EXPECT_EQ(kernel.controlled.front(),
            std::make_pair(100, static_cast<unsigned long>(PERF_EVENT_IOC_ENABLE)));
  EXPECT_EQ(kernel.controlled.back(),
            std::make_pair(102, static_cast<unsigned long>(PERF_EVENT_IOC_DISABLE)));
}

TEST_F(PerfCountersTest, AsksForUserModeAndThreadsToCome) {
  kernel.readings = {{PERF_COUNT_HW_INSTRUCTIONS, {}}, {PERF_COUNT_HW_CPU_CYCLES, {}}};
  const PerfCounters counters(counter_bit(Counter::kInstructions), kFakeKernel);
  ASSERT_EQ(kernel.opened.size(), 1U);
  EXPECT_EQ(kernel.opened[0].exclude_kernel, 1U);
  EXPECT_EQ(kernel.opened[0].inherit, 1U);
  EXPECT_EQ(kernel.opened[0].disabled, 1U);
}

TEST_F(PerfCountersTest, OfAThreadAloneItAsksForNoOther) {
  kernel.readings = {{PERF_COUNT_HW_CPU_CYCLES, {}}};
  EXPECT_EQ(open_counter(Counter::kCycles, CounterOf::kThread, kFakeKernel), 100);
  EXPECT_EQ(open_counter(Counter::kInstructions, CounterOf::kThread, kFakeKernel), -1);
  ASSERT_EQ(kernel.opened.size(), 1U);
  EXPECT_EQ(kernel.opened[0].exclude_kernel, 1U);
  EXPECT_EQ(kernel.opened[0].inherit, 0U);
}

TEST_F(PerfCountersTest, ACounterThatStandsStillDoesNotCount) {
  EXPECT_FALSE(perf_counts_instructions(kFakeKernel));
  kernel.readings[PERF_COUNT_HW_INSTRUCTIONS] = {0, 10, 10};
  EXPECT_FALSE(perf_counts_instructions(kFakeKernel));
  kernel.readings[PERF_COUNT_HW_INSTRUCTIONS] = {5000, 10, 10};
  EXPECT_TRUE(perf_counts_instructions(kFakeKernel));
}

// Whatever this machine allows: what is counted moves, what is not is absent.
TEST_F(PerfCountersTest, TheRealKernelCountsOrRefuses) {
  const PerfCounters counters(kAllCounters);
  counters.start();
  for (unsigned i = 0; i < 10'000; ++i) asm volatile("" : "+r"(i));
  counters.stop();
  if (!perf_counts_instructions()) GTEST_SKIP() << "no hardware counters here";
  EXPECT_GE(counters.read(Counter::kInstructions).value, 10'000U);
}

}  // namespace
}  // namespace replay
