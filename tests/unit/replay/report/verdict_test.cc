#include "replay/report/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace replay {
namespace {

using Samples = std::vector<double>;

// n samples around `middle`, each off by a factor of up to 1 + noise either way.
Samples noisy(std::size_t n, double middle, double noise, unsigned seed) {
  std::mt19937 random(seed);
  Samples samples;
  for (std::size_t i = 0; i < n; ++i) {
    const double unit = static_cast<double>(random()) / static_cast<double>(random.max());
    samples.push_back(middle * std::exp(noise * (2 * unit - 1)));
  }
  return samples;
}

MetricVerdict judge_one(Design design, const MetricSamples& metric, const Rules& rules = {}) {
  Trial trial(design, rules);
  trial.look({metric}, 1.0);
  return trial.verdicts(true).front();
}

MetricVerdict paired(Better better, Samples subject, Samples baseline,
                     const std::string& unit = "ns") {
  return judge_one(Design::kPaired,
                   {"time", unit, better, std::move(subject), std::move(baseline)});
}

TEST(VerdictTest, ALargeSureDifferenceIsBetterOrWorseByItsDirection) {
  const Samples low = noisy(12, 100, 0.05, 1);
  const Samples high = noisy(12, 120, 0.05, 2);
  EXPECT_EQ(paired(Better::kLower, high, low).verdict, Verdict::kWorse);
  EXPECT_EQ(paired(Better::kHigher, high, low).verdict, Verdict::kBetter);
  EXPECT_EQ(paired(Better::kLower, low, high).verdict, Verdict::kBetter);
  const MetricVerdict worse = paired(Better::kLower, high, low);
  EXPECT_NEAR(worse.ratio, 1.2, 0.04);
  ASSERT_TRUE(worse.interval);
  EXPECT_LT(worse.interval->low, worse.ratio);
  EXPECT_GT(worse.interval->high, worse.ratio);
  EXPECT_NEAR(worse.difference, 20, 5);
  EXPECT_LE(worse.p, 0.001);
}

TEST(VerdictTest, WithinTheThresholdIsTheSameHoweverSure) {
  const MetricVerdict verdict = paired(Better::kLower, Samples(12, 101), Samples(12, 100));
  EXPECT_LE(verdict.p, 0.001);
  EXPECT_EQ(verdict.verdict, Verdict::kSame);
  EXPECT_EQ(paired(Better::kLower, Samples(12, 103), Samples(12, 100)).verdict, Verdict::kWorse);
}

TEST(VerdictTest, NoiseCannotBeToldAndItSaysHowMuchMoreWouldTell) {
  const MetricVerdict noise = paired(Better::kLower, noisy(8, 100, 0.2, 3), noisy(8, 100, 0.2, 4));
  EXPECT_EQ(noise.verdict, Verdict::kCannotTell);
  const MetricVerdict few = paired(Better::kLower, Samples(4, 110), Samples(4, 100));
  EXPECT_EQ(few.verdict, Verdict::kCannotTell);
  EXPECT_EQ(few.more_repetitions, 2);  // 2^(1-6) is below 5 %
  EXPECT_FALSE(few.interval);
}

TEST(VerdictTest, TheProjectionIsAboutRight) {
  const auto at = [](std::size_t n) {
    return paired(Better::kLower, noisy(n, 105, 0.2, 5), noisy(n, 100, 0.2, 6));
  };
  const MetricVerdict early = at(10);
  ASSERT_EQ(early.verdict, Verdict::kCannotTell);
  ASSERT_TRUE(early.more_repetitions);
  EXPECT_GT(*early.more_repetitions, 5);
  EXPECT_EQ(at(150).verdict, Verdict::kWorse);
}

TEST(VerdictTest, WhatIsTheSameNeedsNoMoreThanItsTestCanTell) {
  const MetricVerdict few = paired(Better::kLower, noisy(4, 100, 1e-4, 7), Samples(4, 100));
  EXPECT_EQ(few.verdict, Verdict::kCannotTell);  // 2^-4 is above 5 %, 2^-5 below
  EXPECT_EQ(few.more_repetitions, 1);
}

// What is told to be still needed must tell in four cases of five, by the look that it then has.
TEST(VerdictTest, TheProjectionKnowsThatLooksShareTheErrorRate) {
  const double weight = 0.135;
  const auto at = [&](std::size_t n, unsigned seed) {
    Trial trial(Design::kPaired, {});
    trial.look(
        {{"time", "ns", Better::kLower, noisy(n, 105, 0.1, seed), noisy(n, 100, 0.1, seed + 1)}},
        weight);
    return trial.verdicts(false).front();
  };
  int projected = 0;
  int told = 0;
  for (unsigned seed = 1; seed <= 400; seed += 2) {
    const MetricVerdict early = at(14, seed);
    if (!early.more_repetitions) continue;
    ++projected;
    const auto more = static_cast<std::size_t>(*early.more_repetitions);
    told += at(14 + more, seed + 1000).verdict != Verdict::kCannotTell ? 1 : 0;
  }
  EXPECT_GE(projected, 40);
  EXPECT_GE(told, projected * 6 / 10);  // the early estimate is rough
  RecordProperty("told_percent", told * 100 / projected);
}

TEST(VerdictTest, PairsCancelADriftOfTheMachine) {
  Samples baseline;
  Samples subject;
  for (int i = 0; i < 12; ++i) {
    baseline.push_back(100.0 * std::pow(1.5, i));
    subject.push_back(104.0 * std::pow(1.5, i));
  }
  EXPECT_EQ(paired(Better::kLower, subject, baseline).verdict, Verdict::kWorse);
}

TEST(VerdictTest, WhatCanBeZeroIsComparedByDifference) {
  const MetricVerdict calls = paired(Better::kLower, Samples(12, 28), Samples(12, 0), "calls");
  EXPECT_EQ(calls.verdict, Verdict::kWorse);
  EXPECT_TRUE(std::isnan(calls.ratio));
  EXPECT_EQ(calls.difference, 28);
  EXPECT_EQ(paired(Better::kLower, Samples(12, 0), Samples(12, 0), "calls").verdict,
            Verdict::kSame);
  const MetricVerdict share = paired(Better::kLower, Samples(12, 0.12), Samples(12, 0.11), "share");
  EXPECT_EQ(share.verdict, Verdict::kSame);  // a hundredth, not nine
  EXPECT_EQ(paired(Better::kLower, Samples(12, 0.15), Samples(12, 0.11), "share").verdict,
            Verdict::kWorse);
}

TEST(VerdictTest, WhatIsBeyondTheLiveBytesIsComparedAsAllThatIsHeld) {
  const auto verdict = [](double subject, double baseline) {
    return paired(Better::kLower, Samples(12, subject), Samples(12, baseline), kBeyondLive);
  };
  EXPECT_EQ(verdict(12.04, 12).verdict, Verdict::kSame);  // 0.3 % more is held
  EXPECT_EQ(verdict(0.135, 0.153).verdict, Verdict::kSame);
  const MetricVerdict worse = verdict(0.2, 0.1);
  EXPECT_EQ(worse.verdict, Verdict::kWorse);
  EXPECT_TRUE(std::isnan(worse.ratio));
  EXPECT_NEAR(worse.difference, 0.1, 1e-12);
  ASSERT_TRUE(worse.interval);
  EXPECT_NEAR(worse.interval->low, 0.1, 1e-12);
  EXPECT_EQ(verdict(-0.9, -0.8).verdict, Verdict::kBetter);  // half of it, where pages go untouched
  EXPECT_EQ(verdict(-1, -0.8).verdict, Verdict::kBetter);    // nothing at all
  MetricSamples sessions{"time",           kBeyondLive,      Better::kLower,  Samples(12, 0.2),
                         Samples(12, 0.1), Samples(12, 0.2), Samples(12, 0.1)};
  const MetricVerdict drifted = judge_one(Design::kSeparate, sessions);
  EXPECT_EQ(drifted.verdict, Verdict::kCannotTell);  // glibc went as far
  ASSERT_TRUE(drifted.drift);
  EXPECT_NEAR(*drifted.drift, 0.1, 1e-12);
}

TEST(VerdictTest, OneCallOrPageIsNoDifference) {
  EXPECT_EQ(paired(Better::kLower, Samples(12, 1), Samples(12, 2), "calls").verdict,
            Verdict::kSame);
  EXPECT_EQ(paired(Better::kLower, Samples(12, 1), Samples(12, 2), "ns").verdict, Verdict::kBetter);
  EXPECT_EQ(paired(Better::kLower, Samples(12, 6), Samples(12, 2), "pages").verdict,
            Verdict::kWorse);
}

TEST(VerdictTest, WhatWasNotMeasuredEachTimeCannotBeTold) {
  Samples holed(12, 1);
  holed[3] = std::nan("");
  const MetricVerdict verdict = paired(Better::kLower, holed, Samples(12, 2));
  EXPECT_EQ(verdict.verdict, Verdict::kCannotTell);
  EXPECT_EQ(verdict.why, "not measured in every repetition");
}

TEST(VerdictTest, ManyMetricsNeedMoreEvidenceOfEach) {
  const auto worst_of = [&](int count, std::size_t repetitions) {
    const auto metric = [&](const std::string& key, double value) {
      return MetricSamples{key, "ns", Better::kLower, Samples(repetitions, value),
                           Samples(repetitions, 100)};
    };
    std::vector<MetricSamples> metrics = {metric("slow", 110), metric("steady", 100)};
    for (int i = 1; i < count; ++i) {
      metrics.push_back(metric("other" + std::to_string(i), 100.5));
    }
    Trial trial(Design::kPaired, {});
    trial.look(metrics, 1.0);
    return trial.verdicts(false).front();
  };
  EXPECT_EQ(worst_of(1, 7).verdict, Verdict::kWorse);
  EXPECT_EQ(worst_of(20, 7).verdict, Verdict::kCannotTell);
  // 2^(1-10) is below a twentieth of 5 %; "steady" could never be told and does not count.
  EXPECT_EQ(worst_of(20, 7).more_repetitions, 3);
  EXPECT_EQ(worst_of(20, 3).more_repetitions, 7);
  EXPECT_EQ(worst_of(20, 9).verdict, Verdict::kCannotTell);
  EXPECT_EQ(worst_of(20, 10).verdict, Verdict::kWorse);
}

MetricSamples sessions(double machine, double subject_factor, double noise) {
  MetricSamples metric{"time", "ns", Better::kLower,
                       noisy(15, 50 * machine * subject_factor, noise, 11),
                       noisy(15, 50, noise, 12)};
  metric.subject_reference = noisy(15, 100 * machine, noise, 13);
  metric.baseline_reference = noisy(15, 100, noise, 14);
  return metric;
}

TEST(VerdictTest, TwoSessionsAreMeasuredByTheirReference) {
  // The machine was 30 % slower: nothing that the allocator did.
  const MetricVerdict drifted = judge_one(Design::kSeparate, sessions(1.3, 1.0, 0.005));
  EXPECT_NE(drifted.verdict, Verdict::kWorse);
  EXPECT_NEAR(drifted.ratio, 1, 0.01);
  EXPECT_NEAR(*drifted.drift, 0.3, 0.02);
  // On a steady machine 10 % are seen; within the drift of a restless one they are not.
  EXPECT_EQ(judge_one(Design::kSeparate, sessions(1.0, 1.1, 0.005)).verdict, Verdict::kWorse);
  const MetricVerdict hidden = judge_one(Design::kSeparate, sessions(1.3, 1.1, 0.005));
  EXPECT_EQ(hidden.verdict, Verdict::kCannotTell);
  EXPECT_FALSE(hidden.more_repetitions);
  EXPECT_EQ(judge_one(Design::kSeparate, sessions(1.0, 1.0, 0.002)).verdict, Verdict::kSame);
}

TEST(VerdictTest, ATimeThatWasOnceZeroIsAllowedTheDriftOfTheSessionToo) {
  MetricSamples metric{"time", "ns", Better::kLower, Samples(15, 120), Samples(15, 100)};
  metric.baseline[7] = 0;
  metric.subject_reference = metric.baseline_reference = Samples(15, 50);
  EXPECT_EQ(judge_one(Design::kSeparate, metric).verdict, Verdict::kWorse);
  metric.session_drift = std::log(1.3);
  EXPECT_EQ(judge_one(Design::kSeparate, metric).verdict, Verdict::kCannotTell);
}

TEST(VerdictTest, TimesOfSessionsWithoutAReferenceCannotBeTold) {
  const MetricSamples times{"time", "ns", Better::kLower, Samples(12, 120), Samples(12, 100)};
  EXPECT_EQ(judge_one(Design::kSeparate, times).verdict, Verdict::kCannotTell);
  Rules trusting;
  trusting.trust_sessions = true;
  EXPECT_EQ(judge_one(Design::kSeparate, times, trusting).verdict, Verdict::kWorse);
  const MetricSamples pages{"held", "pages", Better::kLower, Samples(12, 120), Samples(12, 100)};
  EXPECT_EQ(judge_one(Design::kSeparate, pages).verdict, Verdict::kWorse);
}

TEST(VerdictTest, OfExactFiguresTwoAreEnough) {
  const auto exact = [](Samples subject, Samples baseline) {
    MetricSamples metric{"cost", "instructions", Better::kLower, std::move(subject),
                         std::move(baseline)};
    metric.exact = true;
    return judge_one(Design::kSeparate, metric).verdict;
  };
  EXPECT_EQ(exact({103.0, 103.1}, {100.0, 100.1}), Verdict::kWorse);
  EXPECT_EQ(exact({97.0, 97.1}, {100.0, 100.1}), Verdict::kBetter);
  EXPECT_EQ(exact({101.0, 101.1}, {100.0, 100.1}), Verdict::kSame);
  EXPECT_EQ(exact({101.0, 104.0}, {100.0, 100.1}), Verdict::kCannotTell);
}

TEST(VerdictTest, LooksShareTheErrorRate) {
  const auto spending = [](std::size_t n, double weight) {
    Trial trial(Design::kPaired, {});
    trial.look({{"time", "ns", Better::kLower, Samples(n, 110), Samples(n, 100)}}, weight);
    return trial.verdicts(false).front();
  };
  EXPECT_DOUBLE_EQ(spending(8, 1.0).p, 2.0 / 256);
  EXPECT_DOUBLE_EQ(spending(8, 0.5).p, 4.0 / 256);
  EXPECT_EQ(spending(6, 1.0).verdict, Verdict::kWorse);
  EXPECT_EQ(spending(6, 0.5).verdict, Verdict::kCannotTell);
}

}  // namespace
}  // namespace replay
