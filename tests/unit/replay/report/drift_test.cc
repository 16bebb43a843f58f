#include "replay/report/drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace replay {
namespace {

constexpr double kTolerance = 0.01;

std::vector<double> turns(std::size_t count, auto value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(value(static_cast<double>(i)));
  return values;
}

TEST(DriftTest, SteadyGrowthIsFoundAndMeasured) {
  const Drift drift = find_drift(turns(40, [](double i) { return 1000 + 5 * i; }), kTolerance);
  EXPECT_EQ(drift.verdict, DriftVerdict::kGrows);
  EXPECT_EQ(drift.tested_turns, 20U);
  EXPECT_LT(drift.p_grows, 1e-6);
  EXPECT_NEAR(drift.growth, 19 * 5 / 1147.5, 1e-12);
  EXPECT_NEAR(drift.growth_interval.low, drift.growth, 1e-12);
}

TEST(DriftTest, WhatSettlesInTheFirstHalfIsSteady) {
  const Drift drift =
      find_drift(turns(40, [](double i) { return i < 15 ? 1000 + 50 * i : 1750; }), kTolerance);
  EXPECT_EQ(drift.verdict, DriftVerdict::kSteady);
  EXPECT_EQ(drift.p_grows, 1);
  EXPECT_EQ(drift.growth, 0);
}

TEST(DriftTest, AStepOfOnePageIsNoGrowth) {
  const auto one_page = turns(40, [](double i) { return i < 30 ? 10'000 : 10'001; });
  EXPECT_EQ(find_drift(one_page, kTolerance).verdict, DriftVerdict::kSteady);
}

TEST(DriftTest, WhatHoldsNothingIsSteadyUntilItHoldsSomething) {
  EXPECT_EQ(find_drift(std::vector<double>(40, 0.0), kTolerance).verdict, DriftVerdict::kSteady);
  EXPECT_EQ(find_drift(std::vector<double>(18, 0.0), kTolerance).verdict,
            DriftVerdict::kCannotTell);
  const auto late = turns(60, [](double i) { return i < 46 ? 0.0 : 4096 * (i - 45); });
  EXPECT_LT(find_drift(late, kTolerance).p_grows, 0.01);
  EXPECT_NE(find_drift(late, kTolerance).verdict, DriftVerdict::kSteady);
}

TEST(DriftTest, WhatFallsIsSteady) {
  const Drift drift = find_drift(turns(40, [](double i) { return 1000 - 5 * i; }), kTolerance);
  EXPECT_EQ(drift.verdict, DriftVerdict::kSteady);
  EXPECT_LT(drift.growth, 0);
}

TEST(DriftTest, TooFewTurnsAndTooMuchNoiseCannotBeTold) {
  EXPECT_EQ(find_drift(turns(18, [](double i) { return 1 + i; }), kTolerance).verdict,
            DriftVerdict::kCannotTell);
  const auto noisy = turns(24, [](double i) { return std::fmod(i * 7, 5) * 100 + 100; });
  EXPECT_EQ(find_drift(noisy, kTolerance).verdict, DriftVerdict::kCannotTell);
}

TEST(DriftTest, NoiseAloneGrowsAsSeldomAsStated) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(1000, 100);
  int grows = 0;
  constexpr int kSeries = 2000;
  for (int i = 0; i < kSeries; ++i) {
    const auto series = turns(40, [&](double) { return noise(random); });
    grows += find_drift(series, 0).verdict == DriftVerdict::kGrows ? 1 : 0;
  }
  EXPECT_LE(grows, kSeries * kDriftLevel * 1.6);
  EXPECT_GE(grows, kSeries * kDriftLevel * 0.4);
}

TEST(DriftTest, GrowthIsFoundThroughNoiseOfItsOwnSize) {
  std::mt19937 random(4);
  std::normal_distribution<double> noise(0, 5);
  int grows = 0;
  for (int i = 0; i < 100; ++i) {
    const auto series = turns(60, [&](double t) { return 1000 + t + noise(random); });
    grows += find_drift(series, kTolerance).verdict == DriftVerdict::kGrows ? 1 : 0;
  }
  EXPECT_GE(grows, 95);
}

}  // namespace
}  // namespace replay
