// What a metric is: one figure of one allocator's runs, with the sample of every repetition.
//
// A new metric is one more function in a group's file, or one new file and one row in list.cc;
// JSON, table and comparison take it from there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "replay/engine/session.h"

namespace replay {

inline constexpr double kExactWithin = 0.001;

// Units that say how figures compare: as a part of a whole, and as what comes on top of the live
// bytes, where 0.1 is a tenth more than these.
inline constexpr const char* kShare = "share";
inline constexpr const char* kBeyondLive = "of live";

enum class Better { kLower, kHigher, kNone };

struct Metric {
  std::string key;  // snake_case, unit last
  std::string unit;
  Better better = Better::kNone;
  std::vector<double> samples;  // one a repetition; the figure is their median
  // The same in every repetition, but for less than kExactWithin: a few repetitions tell all, and
  // the interval is their range.
  bool exact = false;
};

// What a group computes from. `calibration` are the runs of the null allocator on the same plan.
struct Measured {
  const Plan& plan;
  const SubjectRuns& runs;
  const SubjectRuns& calibration;
};

struct MetricGroup {
  const char* name;
  const char* summary;
  void (*add)(const Measured& measured, std::vector<Metric>& out);
};

// Every group, in the order of the result document.
std::span<const MetricGroup> metric_groups();

// All metrics of one allocator's runs; those of passes that did not run are left out.
std::vector<Metric> compute_metrics(const Measured& measured);

// Of the passes that ran, those that are enough to have the metrics of `keys`; of two that give the
// same one, the first.
std::vector<Pass> passes_for(const Measured& measured, const std::vector<std::string>& keys);

}  // namespace replay
