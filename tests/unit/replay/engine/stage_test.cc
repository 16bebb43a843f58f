#include "replay/engine/stage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <vector>

#include "tests/support/checking_allocator.h"
#include "tests/support/random_trace.h"
#include "tests/support/staged_run.h"

namespace replay {
namespace {

using namespace test;

// Writes down where the first thread stood, and how much was live when it did.
template <bool kStops>
struct NotingPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = kStops;
  const CheckingAllocator& allocator;
  std::vector<std::uint64_t> live = {};

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t) { live.push_back(allocator.live()); }
};

class StageTest : public ::testing::Test {
 protected:
  Plan compile(std::uint32_t threads, std::size_t events, EventRange range, ThreadChoice choice) {
    TraceReader reader(write_trace(dir_ / "t.trace", random_events(7, events, threads)));
    return compile_plan(reader, range, {choice});
  }

  TempFolder dir_;
  CheckingAllocator allocator_;
};

TEST_F(StageTest, OneThreadGoesThroughEveryCheckpoint) {
  const Plan plan = compile(1, 3000, {1000, 2000}, {1});
  const StagedRun run(plan, allocator_);
  NotingPass<true> pass{allocator_};
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  ASSERT_EQ(pass.live.size(), plan.checkpoints.size());
  for (std::size_t i = 0; i < pass.live.size(); ++i) {
    EXPECT_EQ(pass.live[i], plan.checkpoints[i].live_objects);
  }
}

TEST_F(StageTest, ManyThreadsStandStillAtEveryCheckpointWithTheRecordedObjectsLive) {
  const Plan plan = compile(6, 3000, {1000, 2900}, {ThreadChoice::kAsRecorded});
  ASSERT_EQ(plan.lanes.size(), 6U);
  const StagedRun run(plan, allocator_);
  NotingPass<true> pass{allocator_};
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  ASSERT_EQ(pass.live.size(), plan.checkpoints.size());
  for (std::size_t i = 0; i < pass.live.size(); ++i) {
    ASSERT_EQ(pass.live[i], plan.checkpoints[i].live_objects) << "checkpoint " << i;
  }
  EXPECT_EQ(allocator_.bad_frees(), 0U);
}

TEST_F(StageTest, WithoutStopsTheyMeetWhereMeasuringBeginsOnly) {
  const Plan plan = compile(4, 3000, {1000, 3000}, {ThreadChoice::kAsRecorded});
  const StagedRun run(plan, allocator_);
  NotingPass<false> pass{allocator_};
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  EXPECT_EQ(pass.live.size(), plan.checkpoints.size());
  EXPECT_EQ(pass.live.front(), plan.checkpoints.front().live_objects);
  EXPECT_EQ(allocator_.live(), plan.checkpoints.back().live_objects);
  EXPECT_EQ(allocator_.bad_frees(), 0U);
}

// Which threads a probe was made in, and for which event of which lane.
struct ProbedPass {
  struct Probe {
    static std::uint64_t start() { return 0; }
    void stop(Op, std::uint64_t) {}
  };
  static constexpr bool kStopsAtPauses = false;
  std::mutex mutex = {};
  std::set<pid_t> threads = {};
  std::vector<std::pair<std::size_t, std::uint64_t>> begun = {};

  Probe probe(std::size_t lane, std::uint64_t event) {
    const std::lock_guard guard(mutex);
    threads.insert(::gettid());
    begun.emplace_back(lane, event);
    return {};
  }
  void at_pause(std::uint64_t) {}
};

TEST_F(StageTest, EachThreadIsARealOneThatGoesOnWhereItsLaneIs) {
  std::vector<Event> events;
  const std::uint32_t threads[] = {0, 1, 1, 0, 2, 2, 0, 3, 2, 0};  // 1 ends before 2 begins
  for (const std::uint32_t thread : threads) {
    events.push_back({.object = events.size(), .size = 8, .thread = thread, .op = Op::kMalloc});
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {2, 10}, {{ThreadChoice::kAsRecorded}});
  ASSERT_EQ(plan.lanes.size(), 3U);
  const StagedRun run(plan, allocator_);
  ProbedPass pass;
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  EXPECT_EQ(allocator_.live(), 10U);
  std::sort(pass.begun.begin(), pass.begun.end());
  // Lane 1 has one event of thread 1 to measure, then those of thread 2.
  EXPECT_EQ(pass.begun,
            (std::vector<std::pair<std::size_t, std::uint64_t>>{{0, 0}, {1, 0}, {1, 1}, {2, 0}}));
  EXPECT_GE(pass.threads.size(), 3U);
  EXPECT_TRUE(pass.threads.contains(::gettid()));
}

}  // namespace
}  // namespace replay
