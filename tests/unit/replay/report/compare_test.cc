#include "replay/report/compare.h"

#include <gtest/gtest.h>

#include <cmath>

namespace replay {
namespace {

TEST(JudgeTest, TheWholeIntervalDecides) {
  EXPECT_EQ(judge(Better::kLower, 0.8, Interval{0.7, 0.9}), Verdict::kBetter);
  EXPECT_EQ(judge(Better::kLower, 1.2, Interval{1.1, 1.3}), Verdict::kWorse);
  EXPECT_EQ(judge(Better::kHigher, 1.2, Interval{1.1, 1.3}), Verdict::kBetter);
  EXPECT_EQ(judge(Better::kHigher, 0.8, Interval{0.7, 0.9}), Verdict::kWorse);
  EXPECT_EQ(judge(Better::kLower, 0.9, Interval{0.7, 1.1}), Verdict::kCannotTell);
  EXPECT_EQ(judge(Better::kLower, 1.0, Interval{0.99, 1.01}), Verdict::kSame);
  EXPECT_EQ(judge(Better::kLower, 1.01, Interval{1.005, 1.015}), Verdict::kSame);
  EXPECT_EQ(judge(Better::kLower, 0.5, std::nullopt), Verdict::kCannotTell);
  EXPECT_EQ(judge(Better::kLower, 1.0, std::nullopt), Verdict::kSame);
}

TEST(CompareTest, TwoSamplesOfAnExactFigureDecide) {
  auto exact = [](std::vector<double> samples) {
    AllocatorResult result;
    Metric metric{"cost_page_faults", "faults", Better::kLower, std::move(samples)};
    metric.exact = true;
    result.figures = {{metric, metric.samples.front(), {}}};
    return result;
  };
  EXPECT_EQ(compare(exact({100, 100}), exact({110, 110})).figures[0].verdict, Verdict::kWorse);
  EXPECT_EQ(compare(exact({100, 100}), exact({110})).figures[0].verdict, Verdict::kCannotTell);
}

using Samples = std::vector<double>;

AllocatorResult result_of(const std::string& name, std::vector<Figure> figures) {
  AllocatorResult result;
  result.subject = {name, mem::Binding::kInProcess, "", name};
  result.figures = std::move(figures);
  return result;
}

Figure figure(const std::string& key, Better better, std::vector<double> samples) {
  const double value = median(samples);
  return {{key, "ns", better, std::move(samples)}, value, {}};
}

TEST(CompareTest, ComparesWhatBothHaveAndHasADirection) {
  const AllocatorResult base = result_of("glibc", {figure("time", Better::kLower, Samples(6, 10)),
                                                   figure("zero", Better::kLower, Samples(6, 0)),
                                                   figure("fact", Better::kNone, Samples(6, 1))});
  const AllocatorResult subject = result_of(
      "mem",
      {figure("time", Better::kLower, Samples(6, 5)), figure("zero", Better::kLower, Samples(6, 0)),
       figure("fact", Better::kNone, Samples(6, 2)), figure("own", Better::kLower, Samples(6, 1))});
  const Comparison comparison = compare(base, subject);
  EXPECT_EQ(comparison.baseline, "glibc");
  EXPECT_EQ(comparison.subject, "mem");
  ASSERT_EQ(comparison.figures.size(), 2U);
  EXPECT_EQ(comparison.figures[0].key, "time");
  EXPECT_DOUBLE_EQ(comparison.figures[0].ratio, 0.5);
  EXPECT_EQ(comparison.figures[0].verdict, Verdict::kBetter);
  EXPECT_EQ(comparison.figures[1].verdict, Verdict::kSame);
}

TEST(CompareTest, OfFiguresBelowZeroThereIsNoRatioAndNoVerdict) {
  const auto verdict = [](double subject, double baseline) {
    const Comparison comparison =
        compare(result_of("glibc", {figure("share", Better::kLower, Samples(7, baseline))}),
                result_of("mem", {figure("share", Better::kLower, Samples(7, subject))}));
    EXPECT_TRUE(std::isnan(comparison.figures.front().ratio));
    EXPECT_FALSE(comparison.figures.front().interval);
    return comparison.figures.front().verdict;
  };
  EXPECT_EQ(verdict(-3, -1), Verdict::kCannotTell);
  EXPECT_EQ(verdict(0.05, -0.02), Verdict::kCannotTell);
  EXPECT_EQ(verdict(-0.02, 0.05), Verdict::kCannotTell);
}

}  // namespace
}  // namespace replay
