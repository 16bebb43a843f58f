#include "replay/engine/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/engine/plan_compiler.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/size_class.h"
#include "replay/trace/error.h"
#include "tests/support/events.h"
#include "tests/support/plan_words.h"
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

  // `threads[i]` replays event i.
  Plan compile_threads(std::vector<Event> events, const std::vector<std::uint32_t>& threads,
                       const PlanOptions& options = {{ThreadChoice::kAsRecorded}, false}) {
    for (std::size_t i = 0; i < events.size(); ++i) events[i].thread = threads[i];
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    return compile_plan(reader, {}, options);
  }

  static std::vector<PlanWord> words(const Plan& plan) { return lane_words(plan, 0); }

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
  EXPECT_EQ(plan.checkpoints.back().words[0], plan.word_count);
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
    EXPECT_LT(plan.checkpoints[i - 1].words[0], plan.checkpoints[i].words[0]);
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
  EXPECT_THAT(error_of({malloc_of(0, 1), realloc_of(0, 0), free_of(0)}),
              ::testing::HasSubstr("event 1 resizes object 0 to 0 bytes, which would be a free"));
}

TEST_F(PlanTest, EventsKeepToTheLaneOfTheirThread) {
  const Plan plan = compile_threads({malloc_of(0, 1), malloc_of(1, 2), malloc_of(2, 3)}, {0, 1, 0});
  ASSERT_EQ(plan.lanes.size(), 2U);
  EXPECT_EQ(plan.thread_count, 2U);
  const std::vector<PlanWord> first = lane_words(plan, 0);
  const std::vector<PlanWord> second = lane_words(plan, 1);
  ASSERT_EQ(first.size(), 2 + kStartWords);
  EXPECT_EQ(first[1], plan_step_word(Step::kStart, 1, 1));
  EXPECT_THAT(std::vector(first.begin() + 2, first.begin() + 6),
              ::testing::ElementsAre(0, 1, 0, 1));  // words and events of the thread
  EXPECT_EQ(plan_size_field(first.back()), 3U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(plan_size_field(second[0]), 2U);
  EXPECT_NE(plan_slot(first[0]), plan_slot(second[0]));
}

TEST_F(PlanTest, AFreeWaitsForTheOtherThreadsBirth) {
  const Plan plan = compile_threads({malloc_of(0, 1), malloc_of(1, 2), malloc_of(2, 3), free_of(2)},
                                    {0, 1, 0, 1});
  EXPECT_EQ(plan.edges_found, 1U);
  EXPECT_EQ(plan.edges_enforced, 1U);
  const std::vector<PlanWord> first = lane_words(plan, 0);
  const std::vector<PlanWord> second = lane_words(plan, 1);
  EXPECT_TRUE(plan_posts(first.back()));
  EXPECT_FALSE(plan_posts(first.front()));
  ASSERT_EQ(second.size(), 2 + kWaitWords);
  EXPECT_EQ(second[1], plan_step_word(Step::kWait, 0, 1));
  EXPECT_EQ(second[2], first.size());
}

TEST_F(PlanTest, WhatIsImpliedIsNotWaitedFor) {
  // That thread 1 was started after object 0 was made; and that it waited for object 3.
  const Plan plan = compile_threads({malloc_of(0, 1), malloc_of(1, 1), free_of(0), malloc_of(2, 1),
                                     malloc_of(3, 1), free_of(3), free_of(2)},
                                    {0, 1, 1, 0, 0, 1, 1});
  EXPECT_EQ(plan.edges_found, 3U);
  EXPECT_EQ(plan.edges_enforced, 1U);
}

TEST_F(PlanTest, AResizeByAnotherThreadIsWaitedForInTurn) {
  const Plan plan = compile_threads(
      {malloc_of(0, 1), malloc_of(1, 1), malloc_of(2, 1), realloc_of(2, 9), free_of(2)},
      {0, 1, 0, 1, 0});
  EXPECT_EQ(plan.edges_found, 2U);
  EXPECT_EQ(plan.edges_enforced, 2U);
  const std::vector<PlanWord> second = lane_words(plan, 1);
  EXPECT_TRUE(plan_posts(second[1 + kWaitWords]));
  EXPECT_EQ(lane_words(plan, 0).back(),
            plan_word(plan_slot(second[3]), Op::kFree, free_note(size_class_of(9), false)));
}

TEST_F(PlanTest, WorkersTakeTheThreadsInTurn) {
  const std::vector<Event> events = {malloc_of(0, 1), malloc_of(1, 1), malloc_of(2, 1)};
  EXPECT_EQ(compile_threads(events, {0, 1, 2}, {{2}, false}).lanes[0].event_count, 2U);
  const Plan alone = compile_threads(events, {0, 1, 2}, {{1}, false});
  EXPECT_EQ(alone.lanes.size(), 1U);
  EXPECT_EQ(alone.thread_count, 1U);
  EXPECT_EQ(words(alone).size(), 3U);
}

TEST_F(PlanTest, CheckpointsKnowWhichLanesAreAlive) {
  const Plan plan = compile_threads(
      {malloc_of(0, 1), malloc_of(1, 1), malloc_of(2, 1), malloc_of(3, 1), malloc_of(4, 1)},
      {0, 1, 0, 1, 0});
  const bool alive[] = {false, false, true, true, false, false};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(plan.lane_is_alive(0, plan.checkpoints[i]));
    EXPECT_EQ(plan.lane_is_alive(1, plan.checkpoints[i]), alive[i]) << i;
  }
}

TEST_F(PlanTest, ATimedPlanHasTheTimeOfEachMeasuredEvent) {
  std::vector<Event> events = {malloc_of(0, 1), malloc_of(1, 1), malloc_of(2, 1), malloc_of(3, 1)};
  const std::uint64_t times[] = {5, 100, 100, 350};
  const std::uint32_t threads[] = {0, 1, 0, 1};
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].time_ns = times[i];
    events[i].thread = threads[i];
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {1, 4}, {{ThreadChoice::kAsRecorded}, true});
  EXPECT_EQ(plan.duration_ns, 250U);
  EXPECT_EQ(plan.lanes[0].warmup_events, 1U);
  EXPECT_EQ(plan_words(plan, plan.lanes[0].first_due, 1), (std::vector<PlanWord>{0}));
  EXPECT_EQ(plan_words(plan, plan.lanes[1].first_due, 2), (std::vector<PlanWord>{0, 250}));
}

// As of a trace that was cut off within a block.
TEST_F(PlanTest, AThreadWhoseLastEventIsMissingEndsWithTheTrace) {
  std::vector<Event> events = {malloc_of(0, 8), malloc_of(1, 8), malloc_of(2, 8)};
  events[1].thread = events[2].thread = 1;
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  ThreadLives lives{{{0, 0}, {1, 70}}, 0};
  assign_lanes(lives);
  PlanCompiler compiler(reader, {}, {{ThreadChoice::kAsRecorded}}, lives);
  while (compiler.advance(UINT64_MAX)) {
  }
  const Plan plan = compiler.finish();
  EXPECT_EQ(plan.lanes[1].threads.back().last_event, 2U);
  EXPECT_FALSE(plan.lane_is_alive(1, plan.checkpoints.back()));
  WordStream& first = compiler.words(0);
  EXPECT_EQ(first[1 + 2], 2U);  // kStart: the end word
  EXPECT_EQ(first[1 + 4], 2U);  // and the end event
}

TEST_F(PlanTest, ACheckpointStandsAtEachStop) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 5000; ++i) events.push_back(malloc_of(i, 10));
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {1000, 4000}, {.stops = {5, 7, 1000, 1001, 3333, 4500}});
  EXPECT_FALSE(plan.checkpoint_at(7).has_value());
  EXPECT_EQ(plan.checkpoint_at(1000), 0U);
  for (const std::uint64_t event : {1001U, 3333U}) {
    ASSERT_TRUE(plan.checkpoint_at(event).has_value()) << event;
    EXPECT_EQ(plan.checkpoints[*plan.checkpoint_at(event)].live_objects, event);
  }
  EXPECT_FALSE(plan.checkpoint_at(4500).has_value());
  EXPECT_EQ(plan.checkpoints[plan.peak_live].event, 4000U);
  EXPECT_EQ(plan.most_live_bytes, 40'000U);
}

// Object 0 is freed in the measured part, 1 resized, 2 left alone; 3 is born and stays.
TEST_F(PlanTest, AClosedPlanEndsWithWhatLivedWhereItBegan) {
  TraceReader reader(
      write_trace(dir_ / "t.trace",
                  {malloc_of(0, 10), malloc_of(1, 20), malloc_of(2, kWideSize + 5), free_of(0),
                   realloc_of(1, 25), malloc_of(3, 40), malloc_of(4, 50), free_of(4)}));
  const Plan plan = compile_plan(reader, {3, 8}, {.closed = true});
  const Checkpoint& begin = plan.checkpoints.front();
  const Checkpoint& end = plan.checkpoints.back();
  EXPECT_EQ(plan.event_count, 8U + 3);  // a free, a malloc, a realloc
  EXPECT_EQ(end.event, plan.event_count);
  EXPECT_EQ(end.live_bytes, begin.live_bytes);
  EXPECT_EQ(end.live_objects, begin.live_objects);
  EXPECT_EQ(end.words[0], plan.lanes[0].word_count);
  EXPECT_EQ(plan.op_counts[static_cast<int>(Op::kMalloc)], 3U);
  EXPECT_EQ(plan.op_counts[static_cast<int>(Op::kFree)], 3U);
}

// A realloc to its 0 bytes might free it.
TEST_F(PlanTest, AClosedPlanLeavesAByteToWhatHadNone) {
  TraceReader reader(write_trace(dir_ / "t.trace", {malloc_of(0, 0), realloc_of(0, 25)}));
  const Plan plan = compile_plan(reader, {1, 2}, {.closed = true});
  EXPECT_EQ(words(plan),
            (std::vector<PlanWord>{plan_word(0, Op::kMalloc, 0), plan_word(0, Op::kRealloc, 25), 0,
                                   plan_word(0, Op::kRealloc, 1), 25}));
}

}  // namespace
}  // namespace replay
