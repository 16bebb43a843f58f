// Random traces of several threads, replayed by real threads: each free comes after its malloc, and
// nothing passes between two threads unordered (which ThreadSanitizer would see).
#include <gtest/gtest.h>

#include "replay/engine/stage.h"
#include "tests/support/checking_allocator.h"
#include "tests/support/random_trace.h"
#include "tests/support/staged_run.h"

namespace replay {
namespace {

using namespace test;

template <bool kStops>
struct PlainPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = kStops;
  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t) {}
};

template <bool kStops>
void replay_with_threads(const Plan& plan) {
  CheckingAllocator allocator;
  const StagedRun run(plan, allocator);
  PlainPass<kStops> pass;
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  EXPECT_EQ(allocator.bad_frees(), 0U);
  EXPECT_EQ(allocator.live(), plan.checkpoints.back().live_objects);
}

TEST(ConcurrentReplayTest, EveryFreeComesAfterItsMalloc) {
  const TempFolder dir;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string path = dir / std::to_string(seed);
    const std::uint32_t threads = 2 + static_cast<std::uint32_t>(seed % 7);
    TraceReader reader(write_trace(path, random_events(seed, 4000, threads)));
    const ThreadChoice choice{seed % 4 == 0 ? 3U : ThreadChoice::kAsRecorded};
    const EventRange range{seed % 2 == 0 ? 0U : 1500U, UINT64_MAX};
    const Plan plan = compile_plan(reader, range, {choice});
    replay_with_threads<false>(plan);
    replay_with_threads<true>(plan);
    TraceReader again(path);
    Plan streamed = streamed_plan(path, again, range, {choice}, 8 * (50 + 40 * seed));
    learn(streamed, plan);
    replay_with_threads<false>(streamed);
    replay_with_threads<true>(streamed);
  }
}

}  // namespace
}  // namespace replay
