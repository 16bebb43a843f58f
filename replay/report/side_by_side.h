// Two allocators in turn until the answer is clear: the loop of `ab`, whatever does the measuring.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/metrics/metric.h"
#include "replay/report/looks.h"
#include "replay/report/verdict.h"

namespace replay {

struct SideBySideOptions {
  int most_repetitions = 30;
  std::uint64_t seed = 1;
  Rules rules;
  std::vector<std::string> metrics;  // patterns, see keep_wanted(); none: all with a direction
  bool intervals = true;             // they cost more than all the rest
};

// The metrics of one repetition of each, one sample a metric.
struct OneRepetition {
  std::vector<Metric> subject;
  std::vector<Metric> baseline;
};

// What the next repetition is to be.
struct Turn {
  int repetition = 0;
  bool subject_first = false;
  std::vector<std::string> keys;  // of the metrics that it must have; all, if none are named
};
using MeasureRepetition = std::function<OneRepetition(const Turn& turn)>;

struct SideBySide {
  int repetitions = 0;
  std::vector<Look> looks;  // planned
  std::vector<MetricSamples> samples;
  std::vector<MetricVerdict> verdicts;
  std::vector<std::string> unpaired;       // metrics that only one of the two has
  std::vector<std::string> without_value;  // that neither has a value of
};

// Each repetition a fair coin says which of the two goes first. Ends after the look at which every
// metric has its verdict or, from half of the repetitions on, is hopeless. `measure`
// is called repetition after repetition; the first shows which metrics there are, the others need
// only those that are judged. Throws what it throws, and Error if no metric is wanted.
SideBySide run_side_by_side(const SideBySideOptions& options, const MeasureRepetition& measure);

}  // namespace replay
