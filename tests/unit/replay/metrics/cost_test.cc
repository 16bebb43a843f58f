#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

constexpr auto kRealloc = static_cast<std::size_t>(Op::kRealloc);

SubjectRuns counted(std::uint64_t instructions, CallCost malloc_cost) {
  RunOutcome run = test::made_outcome(1);
  run.instructions = InstructionCount{instructions, 7, {}};
  run.instructions->by_op[static_cast<std::size_t>(Op::kMalloc)] = malloc_cost;
  run.minor_faults = 5;
  run.major_faults = 1;
  run.memory_calls_counted = true;
  run.memory_calls = {3, 2, 0, 1, 0, 0};
  SubjectRuns runs;
  runs.by_pass[static_cast<std::size_t>(Pass::kInstructions)] = {run, run};
  runs.by_pass[static_cast<std::size_t>(Pass::kKernelWork)] = {run, run};
  return runs;
}

std::vector<Metric> metrics_of(const SubjectRuns& runs, const SubjectRuns& null) {
  std::vector<Metric> metrics;
  add_cost({test::made_plan(), runs, null}, metrics);
  return metrics;
}

double value(const std::vector<Metric>& metrics, const std::string& key) {
  const Metric* metric = test::find_metric(metrics, key);
  return metric == nullptr ? -1 : metric->samples.at(1);
}

TEST(CostTest, IsWhatTheAllocatorTakesBeyondTheNullAllocator) {
  const SubjectRuns null = counted(20'000, {500, 2'000});
  const std::vector<Metric> metrics = metrics_of(counted(120'000, {500, 52'000}), null);
  EXPECT_EQ(value(metrics, "cost_instructions_per_event"), 100);  // of 1000 events
  EXPECT_EQ(value(metrics, "cost_harness_instructions_per_event"), 20);
  EXPECT_EQ(value(metrics, "cost_instructions_malloc"), 100);
  EXPECT_EQ(value(metrics, "cost_system_calls"), 7);
  EXPECT_EQ(value(metrics, "cost_page_faults"), 6);
  EXPECT_EQ(value(metrics, "cost_memory_calls"), 6);
  EXPECT_EQ(value(metrics, "cost_peak_resident_pages"), 5);
  for (const Metric& metric : metrics) EXPECT_TRUE(metric.exact) << metric.key;
}

TEST(CostTest, AnOperationThatTheNullAllocatorDoesOtherwiseIsNotDividedByZero) {
  SubjectRuns runs = counted(120'000, {});
  runs.by_pass[static_cast<std::size_t>(Pass::kInstructions)][1].instructions->by_op[kRealloc] = {
      10, 300};
  const std::vector<Metric> metrics = metrics_of(runs, counted(20'000, {500, 2'000}));
  EXPECT_EQ(test::find_metric(metrics, "cost_instructions_realloc")->samples,
            std::vector<double>{30});
}

TEST(CostTest, WhatWasNotCountedIsAbsent) {
  SubjectRuns runs = counted(120'000, {});
  for (auto& pass : runs.by_pass) {
    for (RunOutcome& run : pass) {
      run.memory_calls_counted = false;
      if (run.instructions) run.instructions->system_calls.reset();
    }
  }
  const std::vector<Metric> metrics = metrics_of(runs, runs);
  for (const char* key : {"cost_system_calls", "cost_memory_calls", "cost_instructions_malloc"}) {
    EXPECT_EQ(test::find_metric(metrics, key), nullptr) << key;
  }
  EXPECT_TRUE(metrics_of(SubjectRuns{}, runs).empty());
}

}  // namespace
}  // namespace replay
