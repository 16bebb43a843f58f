#include "replay/report/verdict_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace replay {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

MetricVerdict metric(const std::string& key, Verdict verdict, double ratio) {
  MetricVerdict made;
  made.key = key;
  made.unit = "ns";
  made.better = Better::kLower;
  made.baseline = 100;
  made.subject = 100 * ratio;
  made.ratio = ratio;
  made.difference = 100 * ratio - 100;
  made.interval = Interval{ratio - 0.01, ratio + 0.01};
  made.verdict = verdict;
  return made;
}

VerdictReport report_of(std::vector<MetricVerdict> verdicts) {
  VerdictReport report;
  report.title = "a <new> | mem against glibc";
  report.differences = {{"host.kernel", "6.1", "6.2"}};
  report.notes = {"one session"};
  report.seed = 7;
  report.looks = {{12, 0.5}, {15, 0.5}};
  VerdictTable table{"mem", "glibc", "preload", "", 15, 15, {}, std::move(verdicts)};
  for (const MetricVerdict& verdict : table.verdicts) {
    table.samples.push_back({verdict.key, "ns", Better::kLower, {1, std::nan("")}, {2, 3}});
  }
  report.tables = {table};
  return report;
}

TEST(VerdictReportTest, TheWorstDecidesTheExit) {
  const auto same = metric("a", Verdict::kSame, 1);
  const auto worse = metric("b", Verdict::kWorse, 1.1);
  const auto open = metric("c", Verdict::kCannotTell, 1.05);
  EXPECT_EQ(report_of({same}).exit_code(), ExitCode::kOk);
  EXPECT_EQ(report_of({same, metric("d", Verdict::kBetter, 0.9)}).exit_code(), ExitCode::kOk);
  EXPECT_EQ(report_of({same, open}).exit_code(), ExitCode::kInconclusive);
  EXPECT_EQ(report_of({open, worse}).exit_code(), ExitCode::kRegression);
}

VerdictReport three() {
  auto open = metric("c", Verdict::kCannotTell, 1.05);
  open.more_repetitions = 12;
  auto calls = metric("calls", Verdict::kWorse, std::nan(""));
  calls.difference = 28;
  calls.interval = Interval{28, 28};
  return report_of({metric("a", Verdict::kSame, 1), open, calls});
}

TEST(VerdictReportTest, FootprintsAreAlsoMultiplesOfTheFloor) {
  auto pages = metric("peak", Verdict::kBetter, 1.5);
  pages.unit = "pages";
  VerdictReport report = report_of({pages, metric("a", Verdict::kBetter, 2)});
  EXPECT_THAT(verdict_text(report), Not(HasSubstr("of the floor")));
  EXPECT_THAT(verdict_junit(report), Not(HasSubstr("the floor")));
  report.trace["floor_pages"] = 80U;
  EXPECT_THAT(verdict_text(report),
              ::testing::ContainsRegex("of the floor +1.250 x +1.875 x\n +a "));
  EXPECT_THAT(verdict_markdown(report),
              HasSubstr("| 100 (1.250 x the floor) | 150 (1.875 x the floor) |"));
  EXPECT_THAT(verdict_markdown(report), HasSubstr("| ns | 100 | 200 |"));
  EXPECT_THAT(
      verdict_junit(report),
      ::testing::ContainsRegex("name=\"peak\" time=\"0\"><system-out>[^<]*; baseline 1.250 x "
                               "the floor, subject 1.875 x</system-out>"));
  EXPECT_THAT(
      verdict_junit(report),
      ::testing::ContainsRegex("name=\"a\" time=\"0\"><system-out>[^<]*p [^; <]*</system-out>"));
  const auto metrics = nlohmann::json::parse(verdict_json(report))["comparisons"][0]["metrics"];
  EXPECT_EQ(metrics["peak"]["baseline_of_floor"], 1.25);
  EXPECT_EQ(metrics["peak"]["subject_of_floor"], 1.875);
  EXPECT_FALSE(metrics["a"].contains("subject_of_floor"));
}

TEST(VerdictReportTest, TextSaysAllOfIt) {
  const std::string text = verdict_text(three());
  EXPECT_THAT(text, HasSubstr("mem against glibc (preload), 15 repetitions each"));
  EXPECT_THAT(text, HasSubstr("differs: host.kernel: 6.1 -> 6.2"));
  EXPECT_THAT(text, HasSubstr("note: one session"));
  EXPECT_THAT(text, HasSubstr("cannot tell: about 12 more repetitions would"));
  EXPECT_THAT(text, HasSubstr("+28  +28 to +28"));
  EXPECT_THAT(text, HasSubstr("0 better, 1 same, 1 worse, 1 cannot tell (threshold 2 %"));
}

TEST(VerdictReportTest, MarkdownShowsNewsAndFoldsTheRest) {
  const std::string text = verdict_markdown(three());
  EXPECT_THAT(text, HasSubstr("### a \\<new> \\| mem"));
  EXPECT_LT(text.find("**worse**"), text.find("<details>"));
  EXPECT_GT(text.find("| a | ns |"), text.find("<details>"));
  EXPECT_THAT(text, HasSubstr("| host.kernel | 6.1 | 6.2 |"));
}

TEST(VerdictReportTest, JunitHasFailuresAndSkips) {
  VerdictReport report = three();
  report.tables[0].subject = "a&b\"<";
  const std::string text = verdict_junit(report);
  EXPECT_THAT(text, HasSubstr("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  EXPECT_THAT(text, HasSubstr("a&amp;b&quot;&lt; against glibc"));
  EXPECT_THAT(text, HasSubstr("name=\"calls\" time=\"0\"><failure type=\"worse\""));
  EXPECT_THAT(text, HasSubstr("name=\"c\" time=\"0\"><skipped"));
  EXPECT_THAT(text, HasSubstr("<property name=\"note\" value=\"one session\"/>"));
  EXPECT_THAT(text, HasSubstr("<property name=\"differs\" value=\"host.kernel: 6.1 -&gt; 6.2\"/>"));
  report.tables[0].subject = "lib\xff.so";
  EXPECT_THAT(verdict_junit(report), HasSubstr("lib\xef\xbf\xbd.so against glibc"));
}

TEST(VerdictReportTest, JsonHoldsSamplesAndNoNumberThatIsNone) {
  const auto document = nlohmann::ordered_json::parse(verdict_json(three()));
  EXPECT_EQ(document["schema"], kVerdictSchemaName);
  EXPECT_EQ(document["exit_code"], 3);
  EXPECT_EQ(document["design"]["seed"], 7);
  EXPECT_EQ(document["design"]["looks"][0]["repetitions"], 12);
  const auto& metrics = document["comparisons"][0]["metrics"];
  EXPECT_TRUE(metrics["calls"]["ratio"].is_null());
  EXPECT_EQ(metrics["calls"]["difference"], 28);
  EXPECT_TRUE(metrics["a"]["subject_samples"][1].is_null());
  EXPECT_EQ(metrics["c"]["more_repetitions"], 12);
}

TEST(VerdictReportTest, TheNotesSayWhatIsNotJudged) {
  VerdictReport report = three();
  report.tables[0].unpaired = {"a", "b"};
  report.tables[0].without_value = {"c"};
  note_unjudged(report);
  EXPECT_THAT(report.notes,
              ::testing::ElementsAre(
                  "one session", "not compared of mem: metrics that only one of both has: a, b",
                  "not compared of mem: metrics that neither has a value of: c"));
}

TEST(VerdictReportTest, EveryFormatHasItsName) {
  std::vector<std::string> names;
  for (const VerdictFormat& format : verdict_formats()) {
    names.emplace_back(format.name);
    EXPECT_FALSE(format.render(three()).empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"text", "json", "markdown", "junit"}));
}

}  // namespace
}  // namespace replay
