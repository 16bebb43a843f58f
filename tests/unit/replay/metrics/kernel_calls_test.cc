#include <gtest/gtest.h>

#include "replay/metrics/groups.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(KernelCallsTest, NamesEachCountAndFault) {
  const SubjectRuns runs = test::made_runs({1});
  const Plan plan = test::made_plan();
  std::vector<Metric> metrics;
  add_kernel_calls({plan, runs, runs}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "page_faults_minor")->samples, std::vector<double>{7});
  EXPECT_EQ(test::find_metric(metrics, "calls_mmap")->samples, std::vector<double>{3});
  EXPECT_EQ(test::find_metric(metrics, "calls_munmap")->samples, std::vector<double>{2});
  EXPECT_EQ(test::find_metric(metrics, "calls_madvise")->samples, std::vector<double>{1});
  EXPECT_EQ(test::find_metric(metrics, "calls_brk")->samples, std::vector<double>{0});
}

TEST(KernelCallsTest, WhatCouldNotBeCountedIsAbsentNotZero) {
  SubjectRuns runs = test::made_runs({1});
  for (auto& pass : runs.by_pass) pass[0].memory_calls_counted = false;
  const Plan plan = test::made_plan();
  std::vector<Metric> metrics;
  add_kernel_calls({plan, runs, runs}, metrics);
  EXPECT_EQ(test::find_metric(metrics, "calls_mmap"), nullptr);
}

}  // namespace
}  // namespace replay
