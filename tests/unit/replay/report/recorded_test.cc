#include "replay/report/recorded.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "replay/report/context.h"
#include "replay/report/json.h"
#include "tests/support/error_of.h"
#include "tests/support/made_runs.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

class RecordedTest : public ::testing::Test {
 protected:
  std::string write(const std::string& text) {
    const std::string path = folder_ / "r.json";
    std::ofstream(path) << text;
    return path;
  }

  std::string refusal(const std::string& text) {
    return test::error_of([&] { read_result(write(text)); });
  }

  test::TempFolder folder_;
};

TEST_F(RecordedTest, ReadsWhatWasWritten) {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({8000, 2000});
  Result result;
  result.context = collect_context();
  result.trace.path = "x.trace";
  result.allocators = {summarize(plan, runs, runs)};
  result.allocators[0].figures[1].metric.samples[0] = std::nan("");
  const RecordedResult read = read_result(write(to_json(result).dump()));
  EXPECT_EQ(read.schema_major(), "1");
  EXPECT_EQ(read.trace["path"], "x.trace");
  ASSERT_EQ(read.allocators.size(), 1U);
  const Metric& written = result.allocators[0].figures[0].metric;
  const Metric* metric = read.allocators[0].find(written.key);
  ASSERT_NE(metric, nullptr);
  EXPECT_EQ(metric->samples, written.samples);
  EXPECT_EQ(metric->better, written.better);
  EXPECT_TRUE(std::isnan(read.allocators[0].metrics[1].samples[0]));
  EXPECT_EQ(read.find(read.allocators[0].name, read.allocators[0].binding), &read.allocators[0]);
  EXPECT_EQ(read.find("other", "preload"), nullptr);
}

TEST_F(RecordedTest, SaysWhatIsWrongAndWhere) {
  EXPECT_NE(refusal("{\"a\": 1,}").find("r.json: not JSON at byte 9"), std::string::npos);
  EXPECT_NE(refusal("[]").find("not a result of allocreplay"), std::string::npos);
  EXPECT_NE(refusal("{\"schema\": \"allocreplay-result\"}").find("incomplete"), std::string::npos);
  EXPECT_NE(test::error_of([] { read_result("/nowhere/r.json"); }).find("cannot read /nowhere"),
            std::string::npos);
}

}  // namespace
}  // namespace replay
