#include "replay/engine/run_file.h"

#include <gtest/gtest.h>

#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

class RunFileTest : public ::testing::Test {
 protected:
  // Thread 1 lives from event 1 to 3.
  RunFileTest() {
    std::vector<Event> events;
    const std::uint32_t threads[] = {0, 1, 0, 1, 0};
    for (const std::uint32_t thread : threads) {
      events.push_back(malloc_of(events.size(), 8));
      events.back().thread = thread;
    }
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    plan_ = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  }
  LaneRun& lane(const RunFile& file, std::size_t i) {
    return reinterpret_cast<LaneRun*>(file.base() + run_lanes_offset())[i];
  }

  TempFolder dir_;
  Plan plan_;
};

TEST_F(RunFileTest, TellsTheWorkerOfLanesAndWhoIsAtEachCheckpoint) {
  const RunFile file(plan_, {.subject = null_subject()});
  ASSERT_EQ(file.header().lane_count, 2U);
  EXPECT_EQ(lane(file, 1).event_count, 2U);
  EXPECT_EQ(lane(file, 1).first_word, plan_.lanes[0].word_count);
  ASSERT_EQ(file.header().pause_count, 6U);
  const auto* pauses =
      reinterpret_cast<const std::uint64_t*>(file.base() + run_pauses_offset(file.header()));
  const std::uint64_t of_lane_1[] = {kNobody | 0, kNobody | 0, 1, 1, kNobody | 2, kNobody | 2};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(pauses[2 * i + 1], of_lane_1[i]) << i;
    EXPECT_EQ(pauses[2 * i] & kNobody, 0U);
  }
}

TEST_F(RunFileTest, AddsUpWhatTheLanesReport) {
  const RunFile file(plan_, {.subject = null_subject(), .pass = Pass::kLatency, .pace = 1});
  for (std::size_t i = 0; i < 2; ++i) {
    lane(file, i).failed_allocations = 1 + i;
    lane(file, i).waited_ns = 10;
    lane(file, i).overlapped_events = 0.5;
    auto* histograms =
        reinterpret_cast<TickHistogram*>(file.base() + run_histograms_offset(file.header())) +
        i * kHistogramsOfLane;
    histograms[static_cast<int>(Op::kFree)].record(100 * (i + 1));
    histograms[kOpCount + static_cast<int>(Op::kFree)].record(7);
  }
  const RunOutcome out = file.outcome();
  EXPECT_EQ(out.failed_allocations, 3U);
  EXPECT_EQ(out.concurrency.waited_ns, 20U);
  EXPECT_EQ(out.concurrency.overlapped_events, 1.0);
  EXPECT_EQ(out.histograms[static_cast<int>(Op::kFree)].count, 2U);
  EXPECT_EQ(out.histograms[static_cast<int>(Op::kFree)].max, 200U);
  EXPECT_EQ(out.responses[static_cast<int>(Op::kFree)].sum, 14U);
}

TEST_F(RunFileTest, AddsUpWhatWasCountedAroundTheCallsOfEachLane) {
  const RunFile file(plan_, {.subject = null_subject(), .pass = Pass::kCallCounters});
  auto* counts = reinterpret_cast<CallCounts*>(file.base() + run_call_counts_offset(file.header()));
  constexpr int kWhich = static_cast<int>(Counter::kCycles);
  for (std::size_t i = 0; i < 2; ++i) {
    counts[i].by_op[static_cast<int>(Op::kFree)][kWhich] = {1 + i, 100 * (1 + i), 3};
    counts[i].empty[kWhich] = {1, 5, 0};
  }
  const CallCounts all = file.outcome().call_counts;
  const CallCount& frees = all.by_op[static_cast<int>(Op::kFree)][kWhich];
  EXPECT_EQ(frees.windows, 3U);
  EXPECT_EQ(frees.missed, 6U);
  EXPECT_EQ(frees.mean(), 100.0);
  EXPECT_EQ(all.empty[kWhich].sum, 10U);
  EXPECT_EQ(all.by_op[static_cast<int>(Op::kMalloc)][kWhich].mean(), 0.0);
}

TEST_F(RunFileTest, TheShareDoneIsOfAllLanesWords) {
  const RunFile file(plan_, {.subject = null_subject()});
  EXPECT_EQ(file.share_done(), 0.0);
  lane(file, 0).words_done = plan_.lanes[0].word_count;
  lane(file, 1).words_done = plan_.lanes[1].word_count;
  EXPECT_EQ(file.share_done(), 1.0);
}

}  // namespace
}  // namespace replay
