#include "replay/engine/idle_worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "replay/engine/launcher.h"
#include "tests/support/checking_allocator.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"
#include "tests/support/staged_run.h"

namespace replay {
namespace {

using namespace test;

class IdleWorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's shadow is anonymous memory too";
#endif
  }
  // 8 MiB of small blocks, of which every second one is freed, and then those below the last.
  RunOutcome run(const char* allocator, Pass pass) {
    constexpr std::uint64_t kBlocks = 8192;
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < kBlocks; ++i) events.push_back(malloc_of(i, 1000));
    for (std::uint64_t i = 0; i + 1 < kBlocks; ++i) events.push_back(free_of(i));
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    const Plan plan = compile_plan(reader, {});
    RunRequest request{resolve_subject(allocator, PROGRAM_DIR), pass, Touch::kPage, pick_cpu()};
    request.idle_ms = {0, 20};
    return Launcher(PROGRAM_DIR).run(plan, request, nullptr);
  }

  TempFolder dir_;
};

TEST_F(IdleWorkerTest, LooksAtMemoryAtEachTime) {
  const RunOutcome out = run("glibc", Pass::kMemory);
  ASSERT_EQ(out.idle.count, 2U);
  EXPECT_EQ(out.idle.after_ms[1], 20U);
  // The last block keeps the heap from shrinking by itself.
  EXPECT_GT(out.idle_resident_bytes(0), 8000U * 1000);
  EXPECT_GT(out.idle_resident_bytes(1), 8000U * 1000);
  EXPECT_FALSE(out.idle.trimmed);
}

TEST_F(IdleWorkerTest, TrimGivesBackWhatTheHeapHolds) {
  const RunOutcome out = run("glibc", Pass::kTrimmed);
  EXPECT_TRUE(out.idle.trimmed);
  EXPECT_FALSE(out.samples.empty());
  EXPECT_GT(out.samples.back().anonymous_bytes - out.baseline.anonymous_bytes, 8000U * 1000);
  EXPECT_LT(out.idle_resident_bytes(0), 1000U * 1000);
}

TEST_F(IdleWorkerTest, WithoutAMallocTrimNothingIsTrimmed) {
  EXPECT_FALSE(run("bump", Pass::kTrimmed).idle.trimmed);
}

TEST(IdleTest, TakesAsLongAsTheLastOfItsTimes) {
  using std::chrono::steady_clock;
  TempFolder dir;
  TraceReader reader(write_trace(dir / "t.trace", {malloc_of(0, 8)}));
  const Plan plan = compile_plan(reader, {});
  RunRequest request = untouched();
  request.pass = Pass::kMemory;
  request.idle_ms = {0, 10, 60};
  CheckingAllocator allocator;
  const StagedRun run(plan, allocator, request);
  const auto begin = steady_clock::now();
  idle(run.stage());
  EXPECT_GE(steady_clock::now() - begin, std::chrono::milliseconds(60));
}

// Somebody takes 16 MiB as soon as the first look is over: the second one, a second later, sees it.
TEST(IdleTest, LooksWhenItIsTimeAndNotAllAtTheEnd) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the first look is read while it is written";
#endif
  constexpr std::size_t kBytes = 16 << 20;
  TempFolder dir;
  TraceReader reader(write_trace(dir / "t.trace", {malloc_of(0, 8)}));
  const Plan plan = compile_plan(reader, {});
  RunRequest request = untouched();
  request.pass = Pass::kMemory;
  request.idle_ms = {10, 1000};
  CheckingAllocator allocator;
  const StagedRun run(plan, allocator, request);
  const std::uint64_t* looks = run.stage().run->idle.anonymous_bytes;
  std::vector<char> taken;
  std::jthread other([&] {
    while (__atomic_load_n(looks, __ATOMIC_ACQUIRE) == 0) std::this_thread::yield();
    taken.assign(kBytes, 1);
  });
  idle(run.stage());
  other.join();
  EXPECT_GE(looks[1], looks[0] + kBytes / 2);
}

}  // namespace
}  // namespace replay
