// From samples to a verdict: better, worse, same, or cannot tell.
//
// The unit is the repetition, a process of its own; events within one are not independent and are
// never counted. What differs by a factor is compared as logarithms, shares and what can be 0 by
// difference; what is held beyond the live bytes as all that is held, by a factor. Per metric:
//
//   better, worse   a rank test sees a difference, at `alpha` for all metrics of the comparison
//                   together (family.h), and the estimate of it is beyond the threshold
//   same            two one-sided rank tests see that it is within the threshold (Schuirmann 1987),
//                   at `alpha` for this metric
//   cannot tell     neither yet; with how many more repetitions would probably tell
//
// The bootstrap interval beside it describes; the tests decide. Not thread-safe.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "replay/metrics/metric.h"
#include "replay/report/compare.h"
#include "replay/report/result.h"

namespace replay {

enum class Design {
  kPaired,    // subject[i] and baseline[i] ran side by side, in an order drawn by lot
  kSeparate,  // two sessions
};

struct MetricSamples {
  std::string key;
  std::string unit;
  Better better = Better::kNone;
  std::vector<double> subject;
  std::vector<double> baseline;
  // Separate: the same, or the quantile `reference_key` (reference_metric.h), of an allocator that
  // both sessions measured, one for each of the above. Both sides are divided by it; what it
  // drifted itself is allowed for on top. Empty: there is none.
  std::vector<double> subject_reference = {};
  std::vector<double> baseline_reference = {};
  std::string reference_key = {};
  // Separate: at least so much is allowed for, as a logarithm; see sessions.h.
  double session_drift = 0;
  // The same in every repetition but for a trifle: ranges decide, however few there are.
  bool exact = false;
};

struct Rules {
  double threshold = kSameWithin;  // a smaller difference is none that matters
  double alpha = 0.05;
  // Separate: believe times of two sessions that share no reference. Otherwise they cannot tell.
  bool trust_sessions = false;
};

struct MetricVerdict {
  std::string key;
  std::string unit;
  Better better = Better::kNone;
  double subject = 0;  // medians
  double baseline = 0;
  // Subject to baseline, Hodges and Lehmann's; NaN: see difference.
  double ratio = std::numeric_limits<double>::quiet_NaN();
  double difference = std::numeric_limits<double>::quiet_NaN();  // subject less baseline, in `unit`
  std::optional<Interval> interval;  // of the ratio, or of the difference where there is no ratio
  double p = 1;                      // of the difference, adjusted for all metrics and looks
  double p_same = 1;
  std::optional<double> drift;  // separate: how far the reference went, as a share or in `unit`
  Verdict verdict = Verdict::kCannotTell;
  std::optional<int> more_repetitions;  // cannot tell: that would probably tell
  std::string why;                      // cannot tell: one phrase
};

// Whether it moves with the machine's mood, not only with the allocator.
bool is_time(const std::string& unit);

class Trial {
 public:
  Trial(Design design, Rules rules) : design_(design), rules_(rules) {}

  // Takes a look that spends `weight` of the error rates; see looks.h. All looks of one trial must
  // show the same metrics in the same order, with all samples so far.
  void look(const std::vector<MetricSamples>& metrics, double weight);

  // After the last look, in its order. O(metrics x resamples x repetitions^2) for the intervals,
  // without which
  // (`intervals` false) it is cheap.
  std::vector<MetricVerdict> verdicts(bool intervals) const;

 private:
  struct Evidence {
    double p = 1;
    double p_least = 1;
    double p_same = 1;
  };
  struct Family {
    std::vector<double> p;  // adjusted, one a metric
    std::size_t size = 1;   // of those that would count if there were more repetitions
  };

  Family family() const;
  void judge(std::size_t index, double p, std::size_t family, bool intervals,
             MetricVerdict& verdict) const;

  Design design_;
  Rules rules_;
  std::vector<MetricSamples> metrics_;             // of the last look
  double weight_ = 1;                              // of the last look; a further one has about that
  std::vector<std::optional<Evidence>> evidence_;  // of each, the best of all looks
};

}  // namespace replay
