#include "replay/engine/thread_counters.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace replay {
namespace {

// A machine whose counters stand where the test says, and its kernel, which has put them there.
struct Machine {
  std::map<std::uint64_t, perf_event_mmap_page> allowed;  // by config of the hardware kind
  std::vector<std::uint64_t> opened;
  std::map<std::uint32_t, std::uint64_t> counters;
  int enabled = 0;
  int unmapped = 0;
  int closed = 0;
  bool maps = true;
  int reads = 0;
  void (*on_read)(Machine&) = nullptr;
};
Machine* machine = nullptr;

const PerfKernel kMachineKernel = {
    [](perf_event_attr* attributes) {
      if (attributes->type != PERF_TYPE_HARDWARE ||
          !machine->allowed.contains(attributes->config)) {
        return -1;
      }
      machine->opened.push_back(attributes->config);
      return static_cast<int>(machine->opened.size()) - 1;
    },
    [](int, void*, std::size_t) -> long { return -1; },
    [](int, unsigned long request) {
      machine->enabled += request == PERF_EVENT_IOC_ENABLE ? 1 : 0;
      return 0;
    },
    [](int fd) -> const perf_event_mmap_page* {
      return machine->maps ? &machine->allowed[machine->opened[static_cast<std::size_t>(fd)]]
                           : nullptr;
    },
    [](const perf_event_mmap_page*) { ++machine->unmapped; },
    [](int) { ++machine->closed; },
};

struct FakeInstruction {
  static constexpr bool kExists = true;
  static std::uint64_t read(std::uint32_t index) {
    ++machine->reads;
    if (machine->on_read != nullptr) machine->on_read(*machine);
    return machine->counters.at(index);
  }
};
using Counters = ThreadCounters<FakeInstruction>;

struct ThreadCountersTest : ::testing::Test {
  ThreadCountersTest() {
    machine = &fake;
    allow(PERF_COUNT_HW_CPU_CYCLES, 3);
  }
  // On the hardware as the counter of that index.
  perf_event_mmap_page& allow(std::uint64_t config, std::uint32_t index) {
    perf_event_mmap_page& page = fake.allowed[config];
    page.cap_user_rdpmc = 1;
    page.pmc_width = 48;
    page.index = index + 1;
    page.lock = 10;
    fake.counters[index] = 1000;
    return page;
  }
  perf_event_mmap_page& cycles() { return fake.allowed[PERF_COUNT_HW_CPU_CYCLES]; }

  Machine fake;
};

TEST_F(ThreadCountersTest, HasWhatTheKernelAllowsAndGivesItBack) {
  allow(PERF_COUNT_HW_BRANCH_MISSES, 0);
  {
    const Counters counters(kMachineKernel);
    ASSERT_EQ(counters.count(), 2U);
    EXPECT_EQ(counters.counter(0), Counter::kCycles);
    EXPECT_EQ(counters.counter(1), Counter::kBranchMisses);
    EXPECT_EQ(fake.enabled, 2);
  }
  EXPECT_EQ(fake.unmapped, 2);
  EXPECT_EQ(fake.closed, 2);
}

TEST_F(ThreadCountersTest, WithoutThePageThereIsNoCounter) {
  fake.maps = false;
  const Counters counters(kMachineKernel);
  EXPECT_EQ(counters.count(), 0U);
  EXPECT_EQ(fake.closed, 1);
}

TEST_F(ThreadCountersTest, AWindowTellsWhatWasCountedInIt) {
  Counters counters(kMachineKernel);
  const std::uint64_t begin = counters.begin(0);
  fake.counters[3] += 77;
  EXPECT_EQ(counters.end(0, begin), 77U);
}

TEST_F(ThreadCountersTest, ACounterOf48BitsMayBeginAnew) {
  Counters counters(kMachineKernel);
  fake.counters[3] = (std::uint64_t{1} << 48) - 5;
  const std::uint64_t begin = counters.begin(0);
  fake.counters[3] = 2;
  EXPECT_EQ(counters.end(0, begin), 7U);
}

TEST_F(ThreadCountersTest, WhatIsNotOnTheHardwareIsNotReadAndNotCounted) {
  Counters counters(kMachineKernel);
  cycles().index = 0;
  EXPECT_EQ(counters.end(0, counters.begin(0)), kNotCounted);
  cycles().index = 4;
  cycles().cap_user_rdpmc = 0;  // there, but the instruction is forbidden
  EXPECT_EQ(counters.end(0, counters.begin(0)), kNotCounted);
  EXPECT_EQ(fake.reads, 0);
}

TEST_F(ThreadCountersTest, AWindowInWhichTheCounterWasMovedIsNotCounted) {
  Counters counters(kMachineKernel);
  const std::uint64_t begin = counters.begin(0);
  cycles().lock += 2;
  cycles().index = 9;  // where nothing can be read
  EXPECT_EQ(counters.end(0, begin), kNotCounted);
  EXPECT_EQ(fake.reads, 1);
  // Moved while it is read.
  cycles().index = 4;
  const std::uint64_t next = counters.begin(0);
  fake.on_read = [](Machine& m) { m.allowed[PERF_COUNT_HW_CPU_CYCLES].lock += 2; };
  EXPECT_EQ(counters.end(0, next), kNotCounted);
}

TEST_F(ThreadCountersTest, WindowsCountInstructionsWhereTheirCounterMoves) {
  EXPECT_FALSE(windows_count_instructions<FakeInstruction>(kMachineKernel));  // cycles alone
  allow(PERF_COUNT_HW_INSTRUCTIONS, 1);
  EXPECT_FALSE(windows_count_instructions<FakeInstruction>(kMachineKernel));  // it stands still
  fake.on_read = [](Machine& m) { m.counters[1] += 4000; };
  EXPECT_TRUE(windows_count_instructions<FakeInstruction>(kMachineKernel));
  fake.allowed[PERF_COUNT_HW_INSTRUCTIONS].index = 0;
  EXPECT_FALSE(windows_count_instructions<FakeInstruction>(kMachineKernel));
}

TEST(RealThreadCountersTest, CountOrAreAbsent) {
  ThreadCounters<> counters;
  if (!windows_count_instructions()) GTEST_SKIP() << "no hardware counters in user mode here";
  const std::uint64_t begin = counters.begin(0);
  for (unsigned i = 0; i < 1000; ++i) asm volatile("" : "+r"(i));
  EXPECT_GE(counters.end(0, begin), 1000U);  // or not counted
}

}  // namespace
}  // namespace replay
