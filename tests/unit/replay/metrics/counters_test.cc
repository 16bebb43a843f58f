#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

RunOutcome cycles_counted(std::uint64_t cycles, double share) {
  RunOutcome run;
  run.counters[static_cast<std::size_t>(Counter::kCycles)] = {true, cycles, share};
  return run;
}

TEST(CountersTest, AreToldAnEventWithTheLeastShareOfTheTimeTheyRan) {
  SubjectRuns runs;
  auto& pass = runs.by_pass[static_cast<std::size_t>(Pass::kCounters)];
  pass = {cycles_counted(50'000, 1), cycles_counted(60'000, 0.5)};
  pass[1].counters[static_cast<std::size_t>(Counter::kBranches)] = {true, 1000, 1};
  for (RunOutcome& run : pass) {
    run.counters[static_cast<std::size_t>(Counter::kCacheMisses)] = {true, 0, 0.1};
  }
  std::vector<Metric> metrics;
  add_counters({test::made_plan(), runs, runs}, metrics);
  const Metric* cycles = test::find_metric(metrics, "counter_cycles_per_event");
  ASSERT_NE(cycles, nullptr);
  EXPECT_EQ(cycles->samples, (std::vector<double>{50, 60}));
  EXPECT_EQ(test::find_metric(metrics, "counters_running_share")->samples,
            (std::vector<double>{1, 0.5}));
  // In one repetition of two, and in none: absent.
  EXPECT_EQ(test::find_metric(metrics, "counter_branches_per_event"), nullptr);
  EXPECT_EQ(test::find_metric(metrics, "counter_dtlb_misses_per_event"), nullptr);
  // It never moved.
  EXPECT_EQ(test::find_metric(metrics, "counter_cache_misses_per_event"), nullptr);
}

}  // namespace
}  // namespace replay
