#include "replay/report/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "replay/trace/error.h"

namespace replay {
namespace {

RecordedAllocator allocator(const std::string& name, double value,
                            const std::string& binding = "preload") {
  return {
      name,
      binding,
      {{"time", "ns", Better::kLower, {value, value}}, {"count", "calls", Better::kNone, {1, 1}}}};
}

RecordedResult made(const std::string& path, std::vector<RecordedAllocator> allocators) {
  RecordedResult result;
  result.path = path;
  result.schema_version = "1.0";
  result.context = {{"date", path},
                    {"host", {{"cpu", "a CPU"}, {"kernel", "6.1"}}},
                    {"build", {{"build_type", "Release"}, {"assertions", false}}}};
  result.trace = {{"sha256", "1"}, {"first_event", 0}, {"last_event", 9}};
  result.config = {{"touch", "page"}};
  result.allocators = std::move(allocators);
  return result;
}

std::vector<std::string> names(const std::vector<Objection>& objections) {
  std::vector<std::string> found;
  for (const Objection& objection : objections) found.push_back(objection.name);
  return found;
}

TEST(SessionsTest, AlikeSessionsHaveNothingAgainstThem) {
  const RecordedResult a = made("a", {});
  EXPECT_TRUE(objections(a, made("b", {})).empty());
  EXPECT_TRUE(context_differences(a, made("b", {})).empty());
}

TEST(SessionsTest, WhatStandsAgainstAComparisonIsNamed) {
  const RecordedResult a = made("a", {});
  RecordedResult b = made("b", {});
  b.trace["sha256"] = "2";
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"trace"});
  b = made("b", {});
  b.trace["last_event"] = 5;
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"trace"});
  b = made("b", {});
  b.schema_version = "2.0";
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"schema"});
  b = made("b", {});
  b.config["touch"] = "none";
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b = made("b", {});
  b.config["cost"] = nullptr;
  EXPECT_TRUE(objections(a, b).empty());
  b.config["cost"] = {{"counted_by", "perf"}};
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b = made("b", {});
  b.config["touch"] = "none";
  b.config["cost"] = {{"counted_by", "perf"}};
  EXPECT_THAT(objections(a, b).front().text, ::testing::HasSubstr("differently: cost"));
  for (const auto& [key, value] :
       {std::pair<const char*, nlohmann::ordered_json>{"assertions", true},
        {"sanitizers", "thread"},
        {"build_type", "Debug"}}) {
    b = made("b", {});
    b.context["build"][key] = value;
    EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"debug"}) << key;
    EXPECT_EQ(names(objections(b, a)), std::vector<std::string>{"debug"}) << key;
  }
}

TEST(SessionsTest, ThreadsOfAStreamedPlanMeetAndAreMeasuredOtherwise) {
  RecordedResult a = made("a", {});
  RecordedResult b = made("b", {});
  a.config["plan_streamed"] = false;
  b.config["plan_streamed"] = true;
  EXPECT_TRUE(objections(a, b).empty());
  a.config["threads_at_once"] = b.config["threads_at_once"] = 1;
  EXPECT_TRUE(objections(a, b).empty());
  a.config["threads_at_once"] = b.config["threads_at_once"] = 2;
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b.config["plan_streamed"] = false;
  EXPECT_TRUE(objections(a, b).empty());
  a.config["plan_streamed"] = b.config["plan_streamed"] = true;
  a.config["plan_window_bytes"] = b.config["plan_window_bytes"] = 8192;
  EXPECT_TRUE(objections(a, b).empty());
  b.config.erase("plan_window_bytes");  // older than 1.7
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b.config["plan_window_bytes"] = 16384;
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b.config["plan_streamed"] = false;
  b.config["plan_window_bytes"] = nullptr;
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  a.config["threads_at_once"] = b.config["threads_at_once"] = 1;
  EXPECT_TRUE(objections(a, b).empty());
}

TEST(SessionsTest, PercentilesOfAnotherKindAreMeasuredOtherwise) {
  RecordedResult a = made("a", {});
  RecordedResult b = made("b", {});
  a.config["timer"] = "tsc";
  b.config["percentiles"] = "spread over the clock's steps";
  EXPECT_TRUE(objections(a, b).empty());  // b has none
  b.config["timer"] = "tsc";
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  a.config["percentiles"] = b.config["percentiles"];
  EXPECT_TRUE(objections(a, b).empty());
}

TEST(SessionsTest, TimersDifferOnlyWhereBothTimed) {
  RecordedResult a = made("a", {});
  RecordedResult b = made("b", {});
  a.config["timer"] = "tsc";
  b.config["timer"] = "clock_gettime";
  EXPECT_EQ(names(objections(a, b)), std::vector<std::string>{"config"});
  b.config["timer"] = nullptr;
  EXPECT_TRUE(objections(a, b).empty());
  EXPECT_TRUE(objections(b, a).empty());
}

TEST(SessionsTest, ContextsAreComparedFactByFact) {
  RecordedResult b = made("b", {});
  b.context["host"]["kernel"] = "6.2";
  b.context["host"]["governor"] = "performance";
  const auto found = context_differences(made("a", {}), b);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key, "host.kernel");
  EXPECT_EQ(found[0].baseline, "6.1");
  EXPECT_EQ(found[0].subject, "6.2");
  EXPECT_EQ(found[1].key, "host.governor");
  EXPECT_EQ(found[1].baseline, "(not said)");
}

TEST(SessionsTest, TheSameAllocatorStandsAgainstItselfMeasuredByGlibc) {
  const auto tables = pair_sessions(made("a", {allocator("glibc", 10), allocator("mem", 5)}),
                                    made("b", {allocator("glibc", 11), allocator("mem", 6)}), {});
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].subject, "mem");
  EXPECT_EQ(tables[0].reference, "glibc");
  ASSERT_EQ(tables[0].samples.size(), 1U);
  const MetricSamples& time = tables[0].samples[0];
  EXPECT_EQ(time.subject, (std::vector<double>{6, 6}));
  EXPECT_EQ(time.baseline, (std::vector<double>{5, 5}));
  EXPECT_EQ(time.subject_reference, (std::vector<double>{11, 11}));
  EXPECT_EQ(time.baseline_reference, (std::vector<double>{10, 10}));
}

TEST(SessionsTest, TimesShareTheDriftOfTheSession) {
  const auto with = [](double p50, double p99, double p999) {
    return RecordedAllocator{"glibc",
                             "preload",
                             {{"p50", "ns", Better::kLower, {p50}},
                              {"p99", "ns", Better::kLower, {p99}},
                              {"p999", "ns", Better::kLower, {p999}},
                              {"harness", "ns", Better::kNone, {p999 * p999 * p999}},
                              {"peak", "pages", Better::kLower, {1}}},
                             {}};
  };
  RecordedAllocator mem = with(1, 1, 1);
  mem.name = "mem";
  const auto tables =
      pair_sessions(made("a", {with(10, 10, 10), mem}), made("b", {with(10, 12, 20), mem}), {});
  for (const MetricSamples& metric : tables.front().samples) {
    EXPECT_NEAR(metric.session_drift, metric.unit == "ns" ? std::log(2.0) : 0, 1e-12);
  }
}

// The second session slows what waits for the cache, not page faults: a thousandth of mem's calls
// wait for the one, of glibc's for the other, as a hundredth of them do for the cache.
TEST(SessionsTest, ATailIsMeasuredByCallsThatWaitForTheSame) {
  const auto with = [](const char* name, double p99, double p999) {
    RecordedAllocator allocator{name,
                                "preload",
                                {{"latency_ns_malloc_p99", "ns", Better::kLower, {}},
                                 {"latency_ns_malloc_p999", "ns", Better::kLower, {}}},
                                {}};
    for (int i = 0; i < 15; ++i) {
      allocator.metrics[0].samples.push_back(p99 * (1 + i / 1000.0));
      allocator.metrics[1].samples.push_back(p999 * (1 + i / 1000.0));
    }
    return allocator;
  };
  const auto verdict_of_p999 = [&](double glibc_p99, double mem_p999) {
    const auto tables =
        pair_sessions(made("a", {with("glibc", 160, 12000), with("mem", 60, 190)}),
                      made("b", {with("glibc", glibc_p99, 12000), with("mem", 60, mem_p999)}), {});
    EXPECT_EQ(tables.front().samples[1].reference_key, "latency_ns_malloc_p99");
    Trial trial(Design::kSeparate, Rules{});
    trial.look(tables.front().samples, 1);
    return trial.verdicts(false)[1].verdict;
  };
  EXPECT_EQ(verdict_of_p999(240, 300), Verdict::kCannotTell);
  EXPECT_EQ(verdict_of_p999(160, 300), Verdict::kWorse);
  EXPECT_EQ(verdict_of_p999(160, 2500), Verdict::kWorse);  // nearer to 12000 than to 160, alone
}

TEST(SessionsTest, GlibcAloneHasNoReference) {
  const auto tables =
      pair_sessions(made("a", {allocator("glibc", 10)}), made("b", {allocator("glibc", 11)}), {});
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_TRUE(tables[0].reference.empty());
  EXPECT_TRUE(tables[0].samples[0].subject_reference.empty());
}

TEST(SessionsTest, OtherNamesAndBindingsOnlyWhenAllowed) {
  const RecordedResult a = made("a", {allocator("glibc", 10), allocator("mem", 5)});
  const RecordedResult b = made("b", {allocator("glibc", 10), allocator("other", 5)});
  EXPECT_THROW(pair_sessions(a, b, {}), Error);
  EXPECT_EQ(pair_sessions(a, b, {"allocator"})[0].subject, "other");
  const RecordedResult c = made("c", {allocator("mem", 5, "in-process")});
  EXPECT_THROW(pair_sessions(a, c, {"allocator"}), Error);
  EXPECT_EQ(pair_sessions(a, c, {"binding"})[0].binding, "preload, in-process");
  EXPECT_THROW(pair_sessions(a, made("d", {}), {"allocator", "binding"}), Error);
}

TEST(SessionsTest, WhatNeitherHasAValueOfIsNamed) {
  RecordedResult a = made("a", {allocator("mem", 10)});
  a.allocators[0].metrics.push_back(
      {"share", kShare, Better::kLower, {std::nan(""), std::nan("")}});
  RecordedResult b = a;
  EXPECT_EQ(pair_sessions(a, b, {}).front().without_value, (std::vector<std::string>{"share"}));
  b.allocators[0].metrics.back().samples[1] = 1;  // once it has one
  EXPECT_TRUE(pair_sessions(a, b, {}).front().without_value.empty());
  EXPECT_EQ(pair_sessions(a, b, {}).front().samples.size(), 2U);
}

TEST(SessionsTest, WhatOnlyOneHasIsNamed) {
  RecordedResult a = made("a", {allocator("mem", 10)});
  RecordedResult b = made("b", {allocator("mem", 10)});
  a.allocators[0].metrics.push_back({"gone", "ns", Better::kLower, {1}});
  a.allocators[0].metrics.push_back({"other", "ns", Better::kLower, {1}});
  a.allocators[0].metrics.push_back({"uncompared", "calls", Better::kNone, {1}});
  b.allocators[0].metrics.push_back({"other", "pages", Better::kLower, {1}});
  const VerdictTable table = pair_sessions(a, b, {}).front();
  EXPECT_EQ(table.unpaired, (std::vector<std::string>{"gone", "other"}));
  EXPECT_TRUE(table.without_value.empty());
  EXPECT_EQ(table.samples.size(), 1U);
}

TEST(SessionsTest, PatternsChooseMetricsAndEachMustChooseOne) {
  const auto kept = [](const std::vector<std::string>& patterns) {
    std::vector<MetricSamples> metrics;
    for (const char* key : {"time", "peak_pages", "peak_bytes"}) {
      metrics.push_back({key, "ns", Better::kLower, {1}, {1}});
    }
    std::vector<MetricSamples> others = {{"end_pages", "pages", Better::kLower, {1}, {1}}};
    keep_wanted({&metrics, &others}, patterns);
    std::vector<std::string> keys;
    for (const MetricSamples& metric : metrics) keys.push_back(metric.key);
    return keys;
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(kept({}), (Keys{"time", "peak_pages", "peak_bytes"}));
  EXPECT_EQ(kept({"peak_*"}), (Keys{"peak_pages", "peak_bytes"}));
  EXPECT_EQ(kept({"peak_bytes", "time"}), (Keys{"time", "peak_bytes"}));
  EXPECT_EQ(kept({"end_*"}), (Keys{}));  // which the other table has
  EXPECT_THROW(kept({"time", "peak"}), Error);
}

}  // namespace
}  // namespace replay
