#include "replay/engine/window_watch.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace replay {
namespace {

// What the test says of the thread.
struct ThreadScript {
  int cpu_now = 3;
  std::uint32_t generation_now = 8;
  std::uint64_t preemptions_now = 100;
  int looks = 0;
  bool looking_switches = false;  // as every system call does under a debugger or strace
};
struct ScriptedSwitches {
  explicit ScriptedSwitches(ThreadScript& script) : script_(script) {}
  bool work() const { return true; }
  int cpu() const { return script_.cpu_now; }
  std::uint32_t generation() const { return script_.generation_now; }
  std::uint64_t preemptions() const {
    ++script_.looks;
    if (script_.looking_switches) script_.generation_now += 2;
    return script_.preemptions_now;
  }
  ThreadScript& script_;
};

struct WindowWatchTest : ::testing::Test {
  ThreadScript script;
  WindowWatch<ScriptedSwitches> watch{script};
};

TEST_F(WindowWatchTest, AQuietWindowCostsNoLook) {
  watch.begin();
  EXPECT_EQ(watch.end(), Disturbance::kNone);
  watch.begin();
  EXPECT_EQ(watch.end(), Disturbance::kNone);
  EXPECT_EQ(script.looks, 1);  // the first
}

TEST_F(WindowWatchTest, ALookThatSwitchesTheThreadIsNoReasonForAnother) {
  script.looking_switches = true;
  for (int i = 0; i < 3; ++i) {
    watch.begin();
    EXPECT_EQ(watch.end(), Disturbance::kNone);
  }
  EXPECT_EQ(script.looks, 1);
}

TEST_F(WindowWatchTest, APreemptionWithinTheWindowIsSeen) {
  watch.begin();
  script.generation_now += 2;
  ++script.preemptions_now;
  EXPECT_EQ(watch.end(), Disturbance::kPreempted);
  watch.begin();
  EXPECT_EQ(watch.end(), Disturbance::kNone);
}

TEST_F(WindowWatchTest, OneBeforeTheWindowIsNotChargedToIt) {
  watch.begin();
  watch.end();
  script.generation_now += 2;
  ++script.preemptions_now;
  watch.begin();
  EXPECT_EQ(watch.end(), Disturbance::kNone);
}

TEST_F(WindowWatchTest, WaitingOfItsOwnAccordIsTheAllocatorsTime) {
  watch.begin();
  script.generation_now += 2;
  EXPECT_EQ(watch.end(), Disturbance::kNone);
  watch.begin();
  script.generation_now += 2;
  script.cpu_now = 4;  // where it woke up
  EXPECT_EQ(watch.end(), Disturbance::kNone);
}

TEST_F(WindowWatchTest, AnotherCpuIsAMigration) {
  watch.begin();
  script.cpu_now = 4;
  EXPECT_EQ(watch.end(), Disturbance::kMigrated);
  watch.begin();
  script.cpu_now = 3;
  script.generation_now += 2;
  ++script.preemptions_now;
  EXPECT_EQ(watch.end(), Disturbance::kMigrated);
}

TEST(ThreadSwitchesTest, TheKernelTellsOfASwitch) {
  const ThreadSwitches switches;
  EXPECT_GE(switches.cpu(), 0);
  if (!switches.work()) GTEST_SKIP() << "no software event of perf_event_open here";
  const std::uint32_t before = switches.generation();
  timespec moment{0, 1'000'000};
  ::nanosleep(&moment, nullptr);
  EXPECT_NE(switches.generation(), before);
}

TEST(ThreadSwitchesTest, AsksForNothingThatMostUsersMayNotHave) {
  static perf_event_attr asked;
  PerfKernel kernel = kRealPerfKernel;
  kernel.open = [](perf_event_attr* attributes) {
    asked = *attributes;
    return -1;
  };
  const ThreadSwitches switches(kernel);
  EXPECT_EQ(asked.config, PERF_COUNT_SW_CONTEXT_SWITCHES);
  EXPECT_TRUE(asked.exclude_kernel);
  EXPECT_TRUE(asked.exclude_hv);
}

TEST(ThreadSwitchesTest, WithoutTheEventNothingEverChanges) {
  PerfKernel refusing = kRealPerfKernel;
  refusing.open = [](perf_event_attr*) { return -1; };
  const ThreadSwitches switches(refusing);
  EXPECT_FALSE(switches.work());
  EXPECT_EQ(switches.generation(), 0U);
}

}  // namespace
}  // namespace replay
