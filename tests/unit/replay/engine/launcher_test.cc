#include "replay/engine/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <chrono>
#include <fstream>

#include "replay/engine/size_class.h"
#include "replay/engine/thread_counters.h"
#include "replay/trace/error.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

constexpr std::uint64_t kBig = 4 << 20;

class LauncherTest : public ::testing::Test {
 protected:
  // The workers have it from here: a block has a fault a page, whatever the machine gives others.
  LauncherTest() { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }
  ~LauncherTest() override { prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0); }

  // 100 blocks of 4 MiB, one after the other, then one that stays.
  Plan big_blocks() {
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < 100; ++i) {
      events.push_back(malloc_of(i, kBig));
      events.push_back(free_of(i));
    }
    events.push_back(calloc_of(100, kBig));
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    return compile_plan(reader, {});
  }

  RunOutcome run(const Plan& plan, const Subject& subject, Pass pass, Touch touch = Touch::kPage) {
    return launcher_.run(plan, {subject, pass, touch, pick_cpu()}, nullptr);
  }

  TempFolder dir_;
  Launcher launcher_{PROGRAM_DIR};
  Subject classic_ = resolve_subject("mem-classic", PROGRAM_DIR);
};

TEST_F(LauncherTest, ThroughputPassTakesTimeAndFaults) {
  const RunOutcome outcome = run(big_blocks(), classic_, Pass::kThroughput);
  EXPECT_GT(outcome.elapsed_ns, 0U);
  EXPECT_GE(outcome.minor_faults, kBig / 4096);
  EXPECT_EQ(outcome.failed_allocations, 0U);
}

TEST_F(LauncherTest, LatencyPassTimesEveryCall) {
  const RunOutcome outcome = run(big_blocks(), classic_, Pass::kLatency);
  ASSERT_EQ(outcome.histograms.size(), static_cast<std::size_t>(kOpCount));
  // A window in which the CPU was taken away stands apart.
  const auto timed = [&](Op op) {
    const auto which = static_cast<std::size_t>(op);
    return outcome.histograms[which].count + outcome.latency.disturbed_by_op[which];
  };
  EXPECT_EQ(timed(Op::kMalloc), 100U);
  EXPECT_EQ(timed(Op::kCalloc), 1U);
  EXPECT_EQ(timed(Op::kFree), 100U);
  EXPECT_EQ(timed(Op::kRealloc), 0U);
  EXPECT_GT(outcome.timer_resolution_ns, 0.0);
  EXPECT_GT(outcome.ns_per_tick, 0.0);
}

TEST_F(LauncherTest, MemoryPassSeesTheAllocatorsPagesAndNotTheHarness) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's shadow is anonymous memory too";
#endif
  const Plan plan = big_blocks();
  const RunOutcome with = run(plan, classic_, Pass::kMemory);
  ASSERT_EQ(with.samples.size(), plan.checkpoints.size());
  const std::uint64_t held = with.samples.back().anonymous_bytes - with.baseline.anonymous_bytes;
  EXPECT_GE(held, kBig);
  EXPECT_LT(held, 3 * kBig);
  EXPECT_GE(with.high_water_bytes, kBig * 3 / 4);  // the kernel's counters lag

  const RunOutcome null = run(plan, null_subject(), Pass::kMemory);
  EXPECT_LE(null.samples.back().anonymous_bytes - null.baseline.anonymous_bytes, 2 * 4096U);
}

TEST_F(LauncherTest, CountsCallsForMemory) {
  const RunOutcome outcome =
      run(big_blocks(), glibc_subject(mem::Binding::kPreload), Pass::kMemory);
  if (!outcome.memory_calls_counted) GTEST_SKIP() << "no seccomp filter possible here";
  EXPECT_GE(outcome.memory_calls[static_cast<int>(MemoryCall::kMmap)] +
                outcome.memory_calls[static_cast<int>(MemoryCall::kBrk)],
            1U);
}

TEST_F(LauncherTest, TheKernelsWorkIsTheSameInEveryRun) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer wants to be the first preloaded library";
#endif
  const Plan plan = big_blocks();
  const RunOutcome first = run(plan, classic_, Pass::kKernelWork);
  const RunOutcome second = run(plan, classic_, Pass::kKernelWork);
  EXPECT_GE(first.minor_faults, kBig / 4096);
  EXPECT_EQ(first.memory_calls, second.memory_calls);
  if (first.addresses_fixed) {
    EXPECT_EQ(first.minor_faults, second.minor_faults);
  }
}

TEST_F(LauncherTest, CountersAreAbsentWhereTheHardwareHasNone) {
  const RunOutcome outcome = run(big_blocks(), classic_, Pass::kCounters);
  const CounterReading& instructions =
      outcome.counters[static_cast<std::size_t>(Counter::kInstructions)];
  EXPECT_EQ(instructions.counted, perf_counts_instructions());
  EXPECT_EQ(instructions.counted, instructions.value > 0);
}

TEST_F(LauncherTest, CallsAreCountedByOperationOrNotAtAll) {
  const RunOutcome outcome = run(big_blocks(), classic_, Pass::kCallCounters);
  const auto windows = [&](Op op) {
    std::uint64_t sum = 0;
    for (const CallCount& count : outcome.call_counts.by_op[static_cast<int>(op)]) {
      sum += count.windows + count.missed;
      EXPECT_LE(count.windows, count.sum);
    }
    return sum;
  };
  const bool can = windows_count_instructions();
  EXPECT_EQ(windows(Op::kMalloc), can ? 100U : 0U);
  EXPECT_EQ(windows(Op::kFree), can ? 100U : 0U);
  EXPECT_EQ(windows(Op::kRealloc), 0U);
}

TEST_F(LauncherTest, LatencyIsToldBySizeAndFirstTouch) {
  const RunOutcome outcome = run(big_blocks(), classic_, Pass::kLatency);
  std::uint64_t calls = outcome.latency.disturbed_windows.count;
  for (const LatencyCell& cell : outcome.latency.cells) {
    calls += cell.histogram.count;
    EXPECT_EQ(cell.size_class, size_class_of(kBig));
    EXPECT_FALSE(cell.op == Op::kFree && cell.special);
  }
  EXPECT_EQ(calls, 201U);
  EXPECT_EQ(outcome.latency.longest.size(), LongCalls::kMost);
}

TEST_F(LauncherTest, ExplainsTheCallsThatItIsAskedFor) {
  RunRequest request{classic_, Pass::kExplain, Touch::kPage, pick_cpu()};
  request.to_explain.resize(2);
  request.to_explain[0].event = 0;  // the first block: the heap has nothing yet
  request.to_explain[1].event = 199;
  const RunOutcome outcome = launcher_.run(big_blocks(), request, nullptr);
  ASSERT_EQ(outcome.explained.size(), 2U);
  EXPECT_TRUE(outcome.explained[0].seen);
  EXPECT_TRUE(outcome.explained[1].seen);
  EXPECT_GT(outcome.explained[0].page_faults, 0U);
  if (outcome.memory_calls_counted) {
    EXPECT_GT(outcome.explained[0].memory_calls[static_cast<int>(MemoryCall::kMmap)], 0U);
  }
}

TEST_F(LauncherTest, APacedPassLastsTheRecordedSpanTimesTheFactor) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kSpan(40);
  constexpr int kFactor = 5;
  Event last = free_of(0);
  last.time_ns = std::chrono::nanoseconds(kSpan).count();
  TraceReader reader(write_trace(dir_ / "t.trace", {malloc_of(0, 64), last}));
  const Plan plan = compile_plan(reader, {}, {.timed = true});
  for (const Pass pass : {Pass::kLatency, Pass::kMemory}) {
    const RunRequest request{null_subject(), pass, Touch::kPage, pick_cpu(), kFactor};
    const auto begin = steady_clock::now();
    launcher_.run(plan, request, nullptr);
    EXPECT_GE(steady_clock::now() - begin, kSpan * kFactor) << pass_name(pass);
  }
}

// Whether the kernel says of this machine that the counter is invariant and fit to keep time by.
bool machine_has_a_good_tsc() {
  const auto has_word = [](const char* path, const std::string& wanted) {
    std::ifstream file(path);
    std::string word;
    while (file >> word) {
      if (word == wanted) return true;
    }
    return false;
  };
  return has_word("/proc/cpuinfo", "nonstop_tsc") && has_word("/proc/cpuinfo", "constant_tsc") &&
         has_word("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc");
}

TEST_F(LauncherTest, LatencyIsTimedByTheCounterWhereTheKernelTrustsIt) {
  if (!machine_has_a_good_tsc()) GTEST_SKIP() << "no counter that the kernel trusts";
  EXPECT_TRUE(run(big_blocks(), null_subject(), Pass::kLatency).timer_is_tsc);
}

TEST_F(LauncherTest, ReportsProgress) {
  double last = -1;
  launcher_.run(big_blocks(), {classic_, Pass::kThroughput, Touch::kAll, pick_cpu()},
                [&](double share) { last = share; });
  EXPECT_EQ(last, 1.0);
}

TEST_F(LauncherTest, ALibraryThatIsNoMallocIsRefused) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer wants to be the first preloaded library";
#endif
  Subject libm{"libm", mem::Binding::kPreload, "/lib/x86_64-linux-gnu/libm.so.6", "glibc"};
  try {
    run(big_blocks(), libm, Pass::kThroughput);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did not take over malloc"));
  }
}

TEST_F(LauncherTest, AWorkerThatCannotRunIsAnError) {
  Subject unknown{"x", mem::Binding::kInProcess, "", "no-such-allocator"};
  EXPECT_THROW(run(big_blocks(), unknown, Pass::kThroughput), Error);
  EXPECT_THROW(
      Launcher("/nowhere").run(big_blocks(), {classic_, Pass::kMemory, Touch::kPage, 0}, nullptr),
      Error);
}

}  // namespace
}  // namespace replay
