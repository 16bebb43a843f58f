#include "replay/report/plan_bytes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "replay/engine/plan_layout.h"
#include "replay/engine/run_file.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

// As large as the kernel says that the file of such a run is.
std::uint64_t run_file_bytes(const Plan& plan, Pass pass) {
  RunRequest request;
  request.pass = pass;
  const RunFile run(plan, request);
  struct stat facts {};
  EXPECT_EQ(::fstat(run.fd(), &facts), 0);
  return static_cast<std::uint64_t>(facts.st_size);
}

Plan plan_of_many_objects() {
  Plan plan = test::made_plan();
  plan.lanes.resize(1);
  plan.word_count = 1200;
  plan.slot_count = 100'000;
  plan.most_live_bytes = 1 << 20;
  return plan;
}

TEST(PlanBytesTest, IsThePlanAndTheLargestRunFileOfAllPasses) {
  const Plan plan = plan_of_many_objects();
  const std::uint64_t words = plan.word_count * sizeof(PlanWord);
  SessionOptions options;
  std::uint64_t most = 0;
  for (const Pass pass : options.passes) most = std::max(most, run_file_bytes(plan, pass));
  EXPECT_EQ(plan_bytes(plan, options), words + most);
  EXPECT_EQ(most, run_file_bytes(plan, Pass::kMemory));
}

TEST(PlanBytesTest, PassesThatAreNotRunTakeNothing) {
  const Plan plan = plan_of_many_objects();
  SessionOptions options;
  const std::uint64_t all = plan_bytes(plan, options);
  options.passes = {Pass::kThroughput};
  EXPECT_LT(plan_bytes(plan, options), all);
  options.passes = {Pass::kMemory, Pass::kThroughput};
  EXPECT_EQ(plan_bytes(plan, options), all);
}

}  // namespace
}  // namespace replay
