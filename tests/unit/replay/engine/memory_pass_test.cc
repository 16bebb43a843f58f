#include "replay/engine/memory_pass.h"

#include <gtest/gtest.h>

#include "core/base/bits.h"
#include "replay/engine/launcher.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

using mem::kPageBytes;

class MemoryPassTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's shadow is anonymous memory too";
#endif
  }
  Plan compile(const std::vector<Event>& events, EventRange range = {}) {
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    return compile_plan(reader, range);
  }
  RunOutcome run(const Plan& plan, const char* allocator, Touch touch = Touch::kPage) {
    return Launcher(PROGRAM_DIR)
        .run(plan, {resolve_subject(allocator, PROGRAM_DIR), Pass::kMemory, touch, pick_cpu()},
             nullptr);
  }

  TempFolder dir_;
};

TEST_F(MemoryPassTest, TheNullRunReadsZeroInEverySeries) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 50'000; ++i) events.push_back(malloc_of(i, 100 + i % 5000));
  for (std::uint64_t i = 0; i < 50'000; ++i) events.push_back(free_of(i));
  const Plan plan = compile(events);
  const RunOutcome out = run(plan, "null");
  EXPECT_FALSE(out.usable_known);
  ASSERT_TRUE(out.occupied_known);
  for (const MemorySample& sample : out.samples) {
    EXPECT_LE(sample.anonymous_bytes, out.baseline.anonymous_bytes + 2 * kPageBytes);
    EXPECT_LE(sample.mapped_bytes, out.baseline.mapped_bytes + 2 * kPageBytes);
    EXPECT_LE(sample.page_table_bytes, out.baseline.page_table_bytes + 2 * kPageBytes);
    EXPECT_EQ(sample.huge_page_bytes, out.baseline.huge_page_bytes);
    EXPECT_EQ(sample.usable_bytes, 0U);
    EXPECT_EQ(sample.occupied_pages, 0U);
  }
}

TEST_F(MemoryPassTest, KnowsUsableBytesAndOccupiedPagesOfWhatLives) {
  // Of the warm-up's 100 blocks every other one is freed after it.
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 100; ++i) events.push_back(malloc_of(i, 8 * kPageBytes - 64));
  for (std::uint64_t i = 0; i < 100; i += 2) events.push_back(free_of(i));
  const Plan plan = compile(events, {100, 150});
  const RunOutcome out = run(plan, "glibc");
  ASSERT_TRUE(out.usable_known);
  ASSERT_TRUE(out.occupied_known);
  const MemorySample& first = out.samples.front();
  const MemorySample& last = out.samples.back();
  EXPECT_GE(first.usable_bytes, 100 * (8 * kPageBytes - 64));
  EXPECT_LE(first.usable_bytes, 100 * 8 * kPageBytes);
  EXPECT_EQ(last.usable_bytes, first.usable_bytes / 2);
  EXPECT_GE(first.occupied_pages, 100 * (8 * kPageBytes - 64) / kPageBytes);
  EXPECT_GE(last.occupied_pages, 50 * (8 * kPageBytes - 64) / kPageBytes);
  EXPECT_LE(last.occupied_pages, 50 * 9U);
  // Every page of a live object is resident, and of the freed blocks some still are.
  EXPECT_GT(last.anonymous_bytes - out.baseline.anonymous_bytes, last.occupied_pages * kPageBytes);
}

TEST_F(MemoryPassTest, TheHighWaterMarkIsOfTheMeasuredEvents) {
  const std::vector<Event> events = {malloc_of(0, 16 << 20), free_of(0), malloc_of(1, 1 << 20),
                                     free_of(1)};
  EXPECT_GE(run(compile(events), "glibc").high_water_bytes, 15U << 20);
  const std::uint64_t measured = run(compile(events, {2, 4}), "glibc").high_water_bytes;
  EXPECT_GE(measured, 1U << 19);
  EXPECT_LE(measured, 8U << 20);
}

TEST_F(MemoryPassTest, WhichPagesAreResidentIsNotKnownOfUntouchedObjects) {
  const Plan plan = compile({malloc_of(0, 100 * kPageBytes)});
  EXPECT_FALSE(run(plan, "mem-classic", Touch::kNone).occupied_known);
  EXPECT_TRUE(run(plan, "mem-classic", Touch::kAll).occupied_known);
}

TEST_F(MemoryPassTest, AccountsForTheObjectsOfAllThreads) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    events.push_back(malloc_of(i, kPageBytes));
    events.back().thread = static_cast<std::uint32_t>(i % 4);
  }
  for (std::uint64_t i = 0; i < 3000; ++i) {
    events.push_back(free_of(i));
    events.back().thread = static_cast<std::uint32_t>(i % 3);
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  ASSERT_EQ(plan.lanes.size(), 4U);
  const RunOutcome out = run(plan, "glibc");
  EXPECT_GE(out.samples.back().usable_bytes, 1000 * kPageBytes);
  EXPECT_LE(out.samples.back().usable_bytes, 1000 * (kPageBytes + 64));
  EXPECT_GE(out.samples.back().occupied_pages, 1000U);
  EXPECT_LE(out.samples.back().occupied_pages, 2000U);
}

}  // namespace
}  // namespace replay
