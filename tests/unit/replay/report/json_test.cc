#include "replay/report/json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "replay/report/compare.h"
#include "replay/report/context.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

Result made_result() {
  const Plan plan = test::made_plan();
  const SubjectRuns runs = test::made_runs({8000, 2000});
  Result result;
  result.context = collect_context();
  result.trace.path = "x.trace";
  result.config.repetitions = 2;
  result.allocators = {summarize(plan, runs, runs)};
  result.comparisons = {compare(result.allocators[0], result.allocators[0])};
  return result;
}

TEST(JsonTest, KeysStandInTheirOrder) {
  std::vector<std::string> keys;
  const auto document = to_json(made_result());
  for (const auto& item : document.items()) keys.push_back(item.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"schema", "schema_version", "context", "trace",
                                            "config", "results", "comparison"}));
  EXPECT_EQ(document["schema"], "allocreplay-result");
}

TEST(JsonTest, NotANumberAndInfinityBecomeNull) {
  Result result = made_result();
  result.allocators[0].figures[0].value = std::nan("");
  result.allocators[0].figures[0].metric.samples = {INFINITY, 1};
  const auto document = to_json(result);
  const auto& metric = document["results"][0]["metrics"]["throughput_events_per_s"];
  EXPECT_TRUE(metric["value"].is_null());
  EXPECT_TRUE(metric["samples"][0].is_null());
  EXPECT_EQ(metric["samples"][1], 1.0);
  EXPECT_TRUE(document["results"][0]["series"]["fragmentation"]["fragmentation"][0].is_null());
}

TEST(JsonTest, SeriesHaveOneEntryASample) {
  const auto series = to_json(made_result())["results"][0]["series"]["fragmentation"];
  EXPECT_EQ(series["event"].size(), 3U);
  EXPECT_EQ(series["total_pages"][2], 5);
  EXPECT_EQ(series["fragmentation"][1], 0.5);
}

TEST(JsonTest, ManyThreadsInOneAreSaid) {
  Result result = made_result();
  result.trace.header.thread_count = 4;
  const auto config = to_json(result)["config"];
  EXPECT_EQ(config["threads_recorded"], 4);
  EXPECT_EQ(config["threads_replayed"], 1);
  EXPECT_EQ(config["concurrency"], "one thread replays the events of all in recorded order");
}

TEST(JsonTest, CountedCostSaysHowAndLeavesOutWhatWasNotMeasured) {
  Result result = made_result();
  EXPECT_TRUE(to_json(result)["config"]["cost"].is_null());
  EXPECT_TRUE(to_json(result)["config"]["timer"].is_null());
  result.config.timer_is_tsc = true;
  EXPECT_EQ(to_json(result)["config"]["timer"], "tsc");
  result.config.timer_is_tsc = false;
  EXPECT_EQ(to_json(result)["config"]["timer"], "clock_gettime");
  result.config.passes = {Pass::kInstructions, Pass::kKernelWork};
  result.config.counted_by = "callgrind";
  result.allocators[0].memory = {};
  result.allocators[0].latencies.clear();
  const auto document = to_json(result);
  EXPECT_EQ(document["config"]["passes"],
            (std::vector<std::string>{"instructions", "kernel-work"}));
  EXPECT_EQ(document["config"]["cost"]["counted_by"], "callgrind");
  EXPECT_TRUE(document["results"][0]["series"].empty());
  const auto& metrics = document["results"][0]["metrics"];
  EXPECT_EQ(metrics["cost_page_faults"]["exact"], true);
  EXPECT_FALSE(metrics["page_faults_minor"].contains("exact"));
}

TEST(JsonTest, ADocumentIsTextWhateverBytesStandInIt) {
  EXPECT_EQ(document_text({{"path", "a\xff"}}), "{\n  \"path\": \"a\xef\xbf\xbd\"\n}\n");
}

}  // namespace
}  // namespace replay
