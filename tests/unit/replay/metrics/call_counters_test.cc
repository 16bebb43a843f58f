#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

constexpr int kCycles = static_cast<int>(Counter::kCycles);
constexpr int kBranches = static_cast<int>(Counter::kBranches);
constexpr int kMalloc = static_cast<int>(Op::kMalloc);
constexpr int kFree = static_cast<int>(Op::kFree);

struct CallCountersTest : ::testing::Test {
  CallCountersTest() {
    for (const std::uint64_t sum : {1000U, 1200U}) {
      RunOutcome run;
      run.call_counts.by_op[kMalloc][kCycles] = {10, sum, 10};
      run.call_counts.by_op[kFree][kCycles] = {30, 30 * 25, 0};
      run.call_counts.empty[kCycles] = {2, 40, 0};
      runs.by_pass[static_cast<std::size_t>(Pass::kCallCounters)].push_back(run);
    }
  }
  CallCounts& counts(std::size_t repetition) {
    return runs.by_pass[static_cast<std::size_t>(Pass::kCallCounters)][repetition].call_counts;
  }
  std::vector<double> samples(const std::string& key) {
    std::vector<Metric> metrics;
    add_call_counters({test::made_plan(), runs, runs}, metrics);
    const Metric* metric = test::find_metric(metrics, key);
    return metric == nullptr ? std::vector<double>{} : metric->samples;
  }

  SubjectRuns runs;
};

TEST_F(CallCountersTest, AreToldACallOfEachKindWithoutWhatReadingCounts) {
  EXPECT_EQ(samples("counter_cycles_malloc"), (std::vector<double>{80, 100}));
  EXPECT_EQ(samples("counter_cycles_free"), (std::vector<double>{5, 5}));
  EXPECT_EQ(samples("harness_counter_cycles_per_window"), (std::vector<double>{20, 20}));
}

TEST_F(CallCountersTest, WindowsAndWhatTheCounterMissedAreReported) {
  counts(1).by_op[kMalloc][kBranches] = {5, 5, 0};
  EXPECT_EQ(samples("counter_windows_malloc"), (std::vector<double>{10, 15}));
  EXPECT_EQ(samples("counter_windows_running_share"), (std::vector<double>{0.8, 0.8}));
}

TEST_F(CallCountersTest, WhatNoWindowSawIsAbsentAndNotZero) {
  EXPECT_EQ(samples("counter_cycles_realloc"), std::vector<double>{});
  EXPECT_EQ(samples("counter_windows_realloc"), std::vector<double>{});
  EXPECT_EQ(samples("counter_branches_malloc"), std::vector<double>{});
  // In one repetition of two.
  counts(1).by_op[kMalloc][kCycles] = {0, 0, 20};
  EXPECT_EQ(samples("counter_cycles_malloc"), std::vector<double>{});
  EXPECT_EQ(samples("counter_cycles_free"), (std::vector<double>{5, 5}));
  // What reading counts is not known: nothing can be told.
  counts(0).empty[kCycles] = {};
  EXPECT_EQ(samples("counter_cycles_free"), std::vector<double>{});
}

TEST_F(CallCountersTest, ACounterThatNeverMovesIsNone) {
  for (std::size_t i = 0; i < 2; ++i) {
    counts(i).by_op[kMalloc][kBranches] = {10, 0, 0};
    counts(i).empty[kBranches] = {2, 0, 0};
  }
  EXPECT_EQ(samples("counter_branches_malloc"), std::vector<double>{});
  counts(0).by_op[kFree][kBranches] = {10, 1, 0};
  counts(1).by_op[kFree][kBranches] = {10, 1, 0};
  EXPECT_EQ(samples("counter_branches_malloc"), (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace replay
