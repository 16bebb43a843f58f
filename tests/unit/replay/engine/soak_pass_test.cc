#include "replay/engine/soak_pass.h"

#include <gtest/gtest.h>

#include "replay/engine/launcher.h"
#include "tests/support/checking_allocator.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"
#include "tests/support/staged_run.h"

namespace replay {
namespace {

using namespace test;

class SoakPassTest : public ::testing::Test {
 protected:
  Plan closed(EventRange range) {
    TraceReader reader(write_trace(dir_ / "t.trace", random_events(11, 3000, 3)));
    return compile_plan(reader, range, {.closed = true});
  }
  TempFolder dir_;
};

TEST_F(SoakPassTest, EveryTurnFreesWhatItMadeAndMakesWhatItFreed) {
  const Plan plan = closed({1000, 2500});
  CheckingAllocator allocator;
  RunRequest request = untouched();
  request.pass = Pass::kSoak;
  request.turns = 7;
  const StagedRun run(plan, allocator, request);
  ASSERT_TRUE(run_soak(run.stage()));
  EXPECT_EQ(allocator.bad_frees(), 0U);
  EXPECT_EQ(allocator.live(), plan.checkpoints.front().live_objects);
  const RunOutcome out = run.outcome();
  ASSERT_EQ(out.turns.size(), 7U);
  for (const SoakTurn& turn : out.turns) {
    EXPECT_GT(turn.anonymous_bytes, 0U);
    EXPECT_GT(turn.cpu_ns, 0U);
  }
}

TEST_F(SoakPassTest, AWorkerTakesAsManyTurnsAsItIsAskedFor) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 200; ++i) events.push_back(malloc_of(i, 1000));
  for (std::uint64_t i = 0; i < 150; ++i) events.push_back(free_of(i));
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {100, 350}, {.closed = true});
  RunRequest request{resolve_subject("mem-classic", PROGRAM_DIR), Pass::kSoak, Touch::kPage,
                     pick_cpu()};
  request.turns = 3;
  const RunOutcome out = Launcher(PROGRAM_DIR).run(plan, request, nullptr);
  EXPECT_EQ(out.turns.size(), 3U);
  EXPECT_GT(out.turns[2].anonymous_bytes, out.baseline.anonymous_bytes);
  EXPECT_EQ(out.failed_allocations, 0U);
}

}  // namespace
}  // namespace replay
