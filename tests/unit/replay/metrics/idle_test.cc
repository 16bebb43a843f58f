#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(IdleTest, EachStatedTimeIsAMetricWithAndWithoutTrim) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({1, 1});
  std::vector<Metric> metrics;
  add_idle({plan, runs, runs}, metrics);
  EXPECT_EQ(metrics.size(), 4U);
  const std::vector<double> two = {2, 2};
  EXPECT_EQ(test::find_metric(metrics, "idle_500ms_resident_pages")->samples, two);
  EXPECT_EQ(test::find_metric(metrics, "idle_0ms_trimmed_resident_pages")->samples[0], 4);
}

TEST(IdleTest, WhatCouldNotBeTrimmedHasNoMetric) {
  const Plan plan = test::made_plan();
  SubjectRuns runs = test::made_runs({1});
  for (auto& pass : runs.by_pass) pass[0].idle.trimmed = false;
  std::vector<Metric> metrics;
  add_idle({plan, runs, runs}, metrics);
  EXPECT_EQ(metrics.size(), 2U);
}

}  // namespace
}  // namespace replay
