#include "replay/report/compare.h"

#include <cmath>
#include <limits>

namespace replay {
namespace {

// 0 against 0 is equality, not an undefined ratio; of figures below 0 a ratio means nothing.
double ratio_of(const Figure& subject, const Figure& baseline) {
  if (subject.value == baseline.value) return 1.0;
  if (any_below_zero(subject.metric.samples) || any_below_zero(baseline.metric.samples)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return subject.value / baseline.value;
}

}  // namespace

Verdict judge(Better better, double ratio, const std::optional<Interval>& interval) {
  if (ratio == 1.0 && (!interval || (interval->low == 1.0 && interval->high == 1.0))) {
    return Verdict::kSame;
  }
  if (!interval || better == Better::kNone) return Verdict::kCannotTell;
  if (interval->low >= 1.0 - kSameWithin && interval->high <= 1.0 + kSameWithin) {
    return Verdict::kSame;
  }
  const bool above = interval->low > 1.0;
  const bool below = interval->high < 1.0;
  if (!above && !below) return Verdict::kCannotTell;
  return above == (better == Better::kHigher) ? Verdict::kBetter : Verdict::kWorse;
}

Comparison compare(const AllocatorResult& baseline, const AllocatorResult& subject) {
  Comparison comparison{baseline.subject.name, subject.subject.name, subject.subject.binding, {}};
  for (const Figure& figure : subject.figures) {
    const Figure* base = baseline.find(figure.metric.key);
    if (base == nullptr || figure.metric.better == Better::kNone) continue;
    const double ratio = ratio_of(figure, *base);
    const std::optional<Interval> interval =
        figure.metric.exact ? range_ratio_interval(figure.metric.samples, base->metric.samples)
                            : paired_ratio_interval(figure.metric.samples, base->metric.samples);
    comparison.figures.push_back(
        {figure.metric.key, ratio, interval, judge(figure.metric.better, ratio, interval)});
  }
  return comparison;
}

}  // namespace replay
