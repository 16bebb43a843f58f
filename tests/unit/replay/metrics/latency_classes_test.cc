#include "replay/metrics/latency_classes.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

RunOutcome with_calls(std::vector<LongCall> longest) {
  RunOutcome run;
  run.ns_per_tick = 0.5;
  run.latency.longest = std::move(longest);
  return run;
}

LongCall call(std::uint64_t ticks, std::uint64_t event,
              Disturbance disturbance = Disturbance::kNone) {
  return {ticks, event, 64, Op::kMalloc, false, disturbance, 0, 100 + event};
}

TEST(LatencyClassesTest, CellsOfAllRepetitionsAreOne) {
  RunOutcome first = with_calls({});
  LatencyCell cell{Op::kMalloc, 3, true, {}};
  cell.histogram.record(100);
  first.latency.cells = {cell};
  first.timer_resolution_ns = 10;
  RunOutcome second = first;
  second.latency.cells.push_back({Op::kFree, 3, false, cell.histogram});
  const LatencyClasses latency = latency_classes({first, second}, 10);
  ASSERT_EQ(latency.classes.size(), 2U);
  EXPECT_EQ(latency.classes[0].op, Op::kMalloc);
  EXPECT_TRUE(latency.classes[0].special);
  EXPECT_EQ(latency.classes[0].ticks.count, 2U);
  EXPECT_EQ(latency.classes[0].ns.count, 2U);
  EXPECT_EQ(latency.classes[0].ns.max_ns, 50);
  EXPECT_EQ(latency.classes[0].ns.step_ns, 10);
  EXPECT_EQ(latency.classes[1].ticks.count, 1U);
}

TEST(LatencyClassesTest, TheWorstAreEventsOfTheTraceLongestFirst) {
  const std::vector<RunOutcome> runs = {
      with_calls({call(10, 5), call(400, 6), call(9000, 7, Disturbance::kPreempted)}),
      with_calls({call(300, 6), call(500, 8)})};
  const LatencyClasses latency = latency_classes(runs, 4);
  ASSERT_EQ(latency.worst.size(), 4U);
  EXPECT_EQ(latency_classes(runs, 2).worst.size(), 2U);
  EXPECT_EQ(latency.worst[0].event, 108U);
  EXPECT_EQ(latency.worst[0].ns, 250);
  EXPECT_EQ(latency.worst[0].repetitions, 1);
  EXPECT_EQ(latency.worst[1].event, 106U);
  EXPECT_EQ(latency.worst[1].ns, 200);
  EXPECT_EQ(latency.worst[1].repetitions, 2);
  EXPECT_EQ(latency.worst[2].event, 105U);
  EXPECT_EQ(latency.worst[3].event, 107U);  // the longest of all, but not the allocator's
  EXPECT_EQ(latency.worst[3].disturbance, Disturbance::kPreempted);
}

TEST(LatencyClassesTest, ADisturbedRepetitionGivesWayToOneThatWasNot) {
  const RunOutcome disturbed = with_calls({call(9000, 5, Disturbance::kMigrated)});
  const RunOutcome clean = with_calls({call(40, 5)});
  for (const auto& runs :
       {std::vector{disturbed, clean, disturbed}, std::vector{clean, disturbed}}) {
    const LatencyClasses latency = latency_classes(runs, 1);
    EXPECT_EQ(latency.worst[0].disturbance, Disturbance::kNone);
    EXPECT_EQ(latency.worst[0].ns, 20);
  }
}

TEST(LatencyClassesTest, AnAnswerIsNotedWhereItWasAskedFor) {
  std::vector<WorstCall> worst(3);
  worst[0].at = {0, 8};
  worst[1].at = {0, 6};
  worst[2].at = {1, 2};
  RunOutcome answer;
  answer.ns_per_tick = 2;
  answer.explained = to_explain(worst);
  ASSERT_EQ(answer.explained.size(), 3U);
  EXPECT_EQ(answer.explained[0].event, 6U);  // by lane, then by event
  EXPECT_EQ(answer.explained[2].lane, 1U);
  answer.explained[0].seen = true;
  answer.explained[0].ticks = 30;
  answer.explained[0].page_faults = 4;
  note_explained(answer, worst);
  EXPECT_FALSE(worst[0].explained);
  ASSERT_TRUE(worst[1].explained);
  EXPECT_EQ(worst[1].explained->page_faults, 4U);
  EXPECT_EQ(worst[1].explained_ns, 60);
}

TEST(LatencyClassesTest, OneRepetitionThatCouldNotSeeMakesAllBlind) {
  RunOutcome seeing = with_calls({});
  seeing.latency.preemptions_seen = true;
  seeing.latency.disturbed = {0, 3, 1};
  EXPECT_TRUE(latency_classes({seeing, seeing}, 1).preemptions_seen);
  EXPECT_EQ(latency_classes({seeing, seeing}, 1).disturbed[1], 6U);
  EXPECT_FALSE(latency_classes({seeing, with_calls({})}, 1).preemptions_seen);
  EXPECT_FALSE(latency_classes({}, 1).preemptions_seen);
}

}  // namespace
}  // namespace replay
