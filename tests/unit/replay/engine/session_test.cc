#include "replay/engine/session.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

TEST(SessionTest, RunsEveryPassOfEverySubjectAndReportsAscendingProgress) {
  TempFolder dir;
  TraceReader reader(write_trace(dir / "t.trace", {malloc_of(0, 64), free_of(0)}));
  Plan plan = compile_plan(reader, {});
  SessionOptions options;
  options.subjects = {resolve_subject("mem-classic", PROGRAM_DIR), null_subject()};
  options.repetitions = 2;
  std::vector<double> shares;
  const SessionResult result =
      run_session(plan, options, Launcher(PROGRAM_DIR),
                  [&](double share, const std::string&) { shares.push_back(share); });
  ASSERT_EQ(result.subjects.size(), 2U);
  for (const SubjectRuns& runs : result.subjects) {
    for (const Pass pass : options.passes) EXPECT_EQ(runs.runs(pass).size(), 2U);
    EXPECT_TRUE(runs.runs(Pass::kKernelWork).empty());
    EXPECT_GT(runs.runs(Pass::kThroughput)[0].elapsed_ns, 0U);
    EXPECT_FALSE(runs.runs(Pass::kMemory)[1].samples.empty());
  }
  EXPECT_EQ(result.subjects[0].subject.name, "mem-classic");
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.back(), 1.0);
}

}  // namespace
}  // namespace replay
