#include "replay/engine/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "replay/engine/plan_layout.h"
#include "replay/engine/size_class.h"
#include "replay/trace/error.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

class PlanTest : public ::testing::Test {
 protected:
  Plan compile(const std::vector<Event>& events, EventRange range = {}) {
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    return compile_plan(reader, range);
  }

  static std::vector<PlanWord> words(const Plan& plan) {
    std::vector<PlanWord> result(plan.word_count);
    const auto bytes = static_cast<ssize_t>(plan.word_count * sizeof(PlanWord));
    EXPECT_EQ(::pread(plan.memory.get(), result.data(), result.size() * sizeof(PlanWord), 0),
              bytes);
    return result;
  }

  std::string error_of(const std::vector<Event>& events, EventRange range = {}) {
    try {
      compile(events, range);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  TempFolder dir_;
};

TEST_F(PlanTest, EncodesEveryOperation) {
  const Plan plan = compile(
      {malloc_of(0, 10), calloc_of(1, 20), aligned_of(2, 30, 6), realloc_of(0, 40), free_of(1)});
  EXPECT_EQ(words(plan), (std::vector<PlanWord>{
                             plan_word(0, Op::kMalloc, 10), plan_word(1, Op::kCalloc, 20),
                             plan_word(2, Op::kAligned, 30), 64, plan_word(0, Op::kRealloc, 40), 10,
                             plan_word(1, Op::kFree, free_note(size_class_of(20), false))}));
  EXPECT_THAT(plan.op_counts, ::testing::ElementsAre(1, 1, 1, 1, 1));
}

TEST_F(PlanTest, AFreeNotesTheSizeClassOfItsObjectAndWhetherAnotherThreadMadeIt) {
  Event other = free_of(0);
  other.thread = 1;
  const Plan plan =
      compile({malloc_of(0, 10), realloc_of(0, 5000), other, malloc_of(1, 10), free_of(1)});
  const std::vector<PlanWord> all = words(plan);
  EXPECT_EQ(free_note_size_class(plan_size_field(all[3])), size_class_of(5000));
  EXPECT_TRUE(free_note_is_remote(plan_size_field(all[3])));
  EXPECT_EQ(free_note_size_class(plan_size_field(all[5])), size_class_of(10));
  EXPECT_FALSE(free_note_is_remote(plan_size_field(all[5])));
}

TEST_F(PlanTest, ReusesTheSlotFreedLast) {
  const Plan plan = compile({malloc_of(0, 1), malloc_of(1, 1), malloc_of(2, 1), free_of(0),
                             free_of(2), malloc_of(3, 1), malloc_of(4, 1)});
  const std::vector<PlanWord> all = words(plan);
  EXPECT_EQ(plan.slot_count, 3U);
  EXPECT_EQ(plan_slot(all[5]), 2U);
  EXPECT_EQ(plan_slot(all[6]), 0U);
}

TEST_F(PlanTest, WideSizesTakeAWordOfTheirOwn) {
  const Plan plan = compile(
      {malloc_of(0, kWideSize - 1), malloc_of(1, kWideSize), malloc_of(2, std::uint64_t{1} << 40)});
  const std::vector<PlanWord> all = words(plan);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(plan_size_field(all[0]), kWideSize - 1);
  EXPECT_EQ(plan_size_field(all[1]), kWideSize);
  EXPECT_EQ(all[2], kWideSize);
  EXPECT_EQ(all[4], std::uint64_t{1} << 40);
}

TEST_F(PlanTest, CheckpointsBeginAndEndWithTheMeasuredPartAndHoldThePeak) {
  const Plan plan = compile({malloc_of(0, 100), malloc_of(1, 50), free_of(0), malloc_of(2, 10)});
  EXPECT_EQ(plan.checkpoints.front().event, 0U);
  EXPECT_EQ(plan.checkpoints.back().event, 4U);
  EXPECT_EQ(plan.checkpoints.back().word, plan.word_count);
  EXPECT_EQ(plan.checkpoints.back().live_bytes, 60U);
  EXPECT_EQ(plan.checkpoints.back().live_objects, 2U);
  EXPECT_EQ(plan.checkpoints[plan.peak_live].event, 2U);
  EXPECT_EQ(plan.checkpoints[plan.peak_live].live_bytes, 150U);
}

TEST_F(PlanTest, CheckpointsOfALongTraceAreFewAndAscending) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    events.push_back(malloc_of(i, i == 31'234 ? 1'000'000 : 1));
    events.push_back(free_of(i));
  }
  const Plan plan = compile(events);
  EXPECT_LE(plan.checkpoints.size(), 514U);
  EXPECT_GE(plan.checkpoints.size(), 200U);
  for (std::size_t i = 1; i < plan.checkpoints.size(); ++i) {
    EXPECT_LT(plan.checkpoints[i - 1].event, plan.checkpoints[i].event);
    EXPECT_LT(plan.checkpoints[i - 1].word, plan.checkpoints[i].word);
  }
  EXPECT_EQ(plan.checkpoints[plan.peak_live].event, 2 * 31'234 + 1U);
}

TEST_F(PlanTest, ARangeKeepsWhatComesBeforeAsWarmUp) {
  const Plan plan =
      compile({malloc_of(0, 100), malloc_of(1, 50), free_of(0), malloc_of(2, 10)}, {1, 3});
  EXPECT_EQ(plan.warmup_events, 1U);
  EXPECT_EQ(plan.event_count, 3U);
  EXPECT_EQ(plan.word_count, 3U);
  EXPECT_EQ(plan.checkpoints.front().event, 1U);
  EXPECT_EQ(plan.checkpoints.front().live_bytes, 100U);
  EXPECT_THAT(plan.op_counts, ::testing::ElementsAre(1, 0, 0, 0, 1));
}

TEST_F(PlanTest, AnEmptyRangeIsAnError) {
  EXPECT_THAT(error_of({malloc_of(0, 1)}, {5, 9}), ::testing::HasSubstr("has 1 events"));
}

TEST_F(PlanTest, InconsistentTracesAreErrorsThatNameTheEvent) {
  EXPECT_THAT(error_of({malloc_of(0, 1), free_of(0), free_of(0)}),
              ::testing::HasSubstr("event 2 frees object 0, which is already freed"));
  EXPECT_THAT(error_of({malloc_of(0, 1), free_of(0), realloc_of(0, 5)}),
              ::testing::HasSubstr("event 2 resizes object 0, which is already freed"));
}

}  // namespace
}  // namespace replay
