#include "replay/report/verdict.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "replay/report/family.h"
#include "replay/report/rank_test.h"

namespace replay {
namespace {

constexpr int kMostProjected = 10000;  // more repetitions than anybody runs

bool counted(const std::string& unit) {
  return unit == "calls" || unit == "faults" || unit == "pages";
}

template <class Holds>
bool all_of(const MetricSamples& metric, Holds holds) {
  for (const auto* side :
       {&metric.subject, &metric.baseline, &metric.subject_reference, &metric.baseline_reference}) {
    if (!std::all_of(side->begin(), side->end(), holds)) return false;
  }
  return true;
}

// A metric's samples as numbers whose difference means something.
struct Scaled {
  bool usable = false;
  bool relative = false;  // logarithms,
  double lift = 0;        // taken of the figures and this
  std::vector<double> subject;
  std::vector<double> baseline;
  double margin = 0;  // a difference within it is none that matters
  double size = 0;    // where not relative: what shares of it are shares of
  std::optional<double> drift;

  double allowance() const { return drift.value_or(0); }
  bool has_ratio() const { return relative && lift == 0; }
  // A difference from the figure `from` in the metric's unit.
  double in_unit(double shift, double from) const {
    return relative ? (from + lift) * std::expm1(shift) : shift;
  }
};

std::vector<double> logarithms(const std::vector<double>& values, double lift) {
  std::vector<double> logs;
  for (const double value : values) logs.push_back(std::log(value + lift));
  return logs;
}

void divide_by_reference(const MetricSamples& metric, Scaled& scaled) {
  if (metric.subject_reference.size() != metric.subject.size() ||
      metric.baseline_reference.size() != metric.baseline.size()) {
    return;
  }
  if (!scaled.relative) {
    const double own =
        std::abs(rank_sum_shift(metric.subject_reference, metric.baseline_reference));
    scaled.drift = std::max(scaled.size * std::expm1(metric.session_drift), own);
    return;
  }
  const std::vector<double> here = logarithms(metric.subject_reference, scaled.lift);
  const std::vector<double> there = logarithms(metric.baseline_reference, scaled.lift);
  for (std::size_t i = 0; i < here.size(); ++i) scaled.subject[i] -= here[i];
  for (std::size_t i = 0; i < there.size(); ++i) scaled.baseline[i] -= there[i];
  scaled.drift = std::max(metric.session_drift, std::abs(rank_sum_shift(here, there)));
}

Scaled scale(const MetricSamples& metric, const Rules& rules) {
  Scaled scaled;
  scaled.usable = !metric.subject.empty() && !metric.baseline.empty() &&
                  all_of(metric, [](double x) { return std::isfinite(x); });
  if (!scaled.usable) return scaled;
  const double subject = median(metric.subject);
  const double baseline = median(metric.baseline);
  // One call or page more is no difference either, however few there are; two are.
  const double least = counted(metric.unit) ? 1.5 : 0.0;
  const double lift = metric.unit == kBeyondLive ? 1 : 0;
  scaled.relative = metric.unit != kShare && least <= rules.threshold * (baseline + lift) &&
                    all_of(metric, [lift](double x) { return x + lift > 0; });
  if (scaled.relative) {
    scaled.lift = lift;
    scaled.subject = logarithms(metric.subject, lift);
    scaled.baseline = logarithms(metric.baseline, lift);
    scaled.margin = std::log1p(rules.threshold);
  } else {
    scaled.subject = metric.subject;
    scaled.baseline = metric.baseline;
    scaled.size =
        metric.unit == kShare ? 1 : std::max(std::abs(subject), std::abs(baseline)) + lift;
    scaled.margin = std::max(rules.threshold * scaled.size, least);
  }
  divide_by_reference(metric, scaled);
  return scaled;
}

std::vector<double> differences(const Scaled& scaled, double shift) {
  std::vector<double> result;
  for (std::size_t i = 0; i < scaled.subject.size(); ++i) {
    result.push_back(scaled.subject[i] - scaled.baseline[i] - shift);
  }
  return result;
}

// Of subject less baseline against `shift`.
RankTest test(Design design, const Scaled& scaled, double shift) {
  if (design == Design::kPaired) return signed_rank_test(differences(scaled, shift));
  std::vector<double> subject = scaled.subject;
  for (double& value : subject) value -= shift;
  return rank_sum_test(subject, scaled.baseline);
}

double estimate(Design design, const Scaled& scaled) {
  return design == Design::kPaired ? signed_rank_shift(differences(scaled, 0))
                                   : rank_sum_shift(scaled.subject, scaled.baseline);
}

std::vector<double> chosen(const std::vector<double>& values,
                           const std::vector<std::size_t>& indices) {
  std::vector<double> result;
  result.reserve(indices.size());
  for (const std::size_t index : indices) result.push_back(values[index]);
  return result;
}

// As it is reported: of the ratio, or of the difference from `baseline`.
Interval reported(const Scaled& scaled, Interval interval, double baseline) {
  if (scaled.has_ratio()) return {std::exp(interval.low), std::exp(interval.high)};
  return {scaled.in_unit(interval.low, baseline), scaled.in_unit(interval.high, baseline)};
}

std::optional<Interval> interval_of(Design design, const Scaled& scaled, double baseline) {
  const std::size_t n = scaled.subject.size();
  const std::size_t m = scaled.baseline.size();
  if (std::min(n, m) < kMinSamples) return std::nullopt;
  Interval interval{};
  if (design == Design::kPaired) {
    const std::vector<double> all = differences(scaled, 0);
    interval = bootstrap_interval({n}, [&](const ResampledIndices& indices) {
      return signed_rank_shift(chosen(all, indices[0]));
    });
  } else {
    interval = bootstrap_interval({n, m}, [&](const ResampledIndices& indices) {
      return rank_sum_shift(chosen(scaled.subject, indices[0]),
                            chosen(scaled.baseline, indices[1]));
    });
  }
  interval.low -= scaled.allowance();
  interval.high += scaled.allowance();
  return reported(scaled, interval, baseline);
}

// The variance of one difference; resistant to outliers as the tests are.
double spread_squared(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> away;
  for (const double value : values) away.push_back(std::abs(value - middle));
  const double robust = 1.4826 * median(away);
  if (robust > 0) return robust * robust;
  double sum = 0;
  for (const double distance : away) sum += distance * distance;
  return sum / static_cast<double>(std::max<std::size_t>(values.size() - 1, 1));
}

// The fewest repetitions whose most extreme outcome, to one side, is below `alpha`.
int fewest(Design design, double alpha) {
  double log2_ways = 0;  // of signs, or of splits of n and n
  for (int n = 1;; ++n) {
    log2_ways += design == Design::kPaired ? 1 : std::log2(2.0 * (2 * n - 1) / n);
    if (std::exp2(-log2_ways) <= alpha) return n;
  }
}

// How many repetitions would see `gap` in four of five attempts; the normal limit, with the
// asymptotic efficiency of rank tests.
double needed(double gap, double variance, double alpha) {
  const boost::math::normal standard;
  const double z = boost::math::quantile(boost::math::complement(standard, alpha)) +
                   boost::math::quantile(standard, 0.8);
  return z * z * variance / (gap * gap) * boost::math::constants::pi<double>() / 3;
}

// Of subject less baseline: what all samples agree on.
Interval range_of(const Scaled& scaled) {
  const auto [a, b] = std::minmax_element(scaled.subject.begin(), scaled.subject.end());
  const auto [c, d] = std::minmax_element(scaled.baseline.begin(), scaled.baseline.end());
  return {*a - *d, *b - *c};
}

struct Projection {
  std::optional<int> more;
  std::string why;
};

Projection project(Design design, const Scaled& scaled, double alpha, std::size_t family) {
  const double shift = std::abs(estimate(design, scaled));
  const double variance = design == Design::kPaired
                              ? spread_squared(differences(scaled, 0))
                              : spread_squared(scaled.subject) + spread_squared(scaled.baseline);
  const bool beyond = shift > scaled.margin;
  const double gap =
      beyond ? shift - scaled.allowance() : scaled.margin - scaled.allowance() - shift;
  if (gap <= 0) {
    return {std::nullopt, beyond || scaled.allowance() > scaled.margin
                              ? "the sessions themselves drifted as far"
                              : "as large as the threshold"};
  }
  // A difference needs `alpha` shared by the family and both sides, sameness needs it whole.
  const double level = beyond ? alpha / 2 / static_cast<double>(family) : alpha;
  const int least = fewest(design, level);
  const auto have = std::min(scaled.subject.size(), scaled.baseline.size());
  const double n = std::max<double>(least, std::ceil(needed(gap, variance, level)));
  if (n > kMostProjected) return {std::nullopt, "too near the threshold for its noise"};
  const int more = std::max(1, static_cast<int>(n) - static_cast<int>(have));
  return {more,
          beyond ? "a difference not sure yet" : "not sure yet that it is within the threshold"};
}

Verdict better_or_worse(Better better, bool higher) {
  return higher == (better == Better::kHigher) ? Verdict::kBetter : Verdict::kWorse;
}

void judge_exactly(const Scaled& scaled, MetricVerdict& verdict) {
  const Interval range = range_of(scaled);
  verdict.interval = reported(scaled, range, verdict.baseline);
  if (range.low > scaled.margin || range.high < -scaled.margin) {
    verdict.p = 0;
    verdict.verdict = better_or_worse(verdict.better, range.low > 0);
  } else if (range.low >= -scaled.margin && range.high <= scaled.margin) {
    verdict.p_same = 0;
    verdict.verdict = Verdict::kSame;
  } else {
    verdict.why = "not as exact as it should be";
  }
}

}  // namespace

bool is_time(const std::string& unit) { return unit == "ns" || unit == "events/s"; }

void Trial::look(const std::vector<MetricSamples>& metrics, double weight) {
  metrics_ = metrics;
  weight_ = weight;
  evidence_.resize(metrics_.size());
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const Scaled scaled = scale(metrics_[i], rules_);
    if (!scaled.usable || metrics_[i].exact) continue;
    if (!evidence_[i]) evidence_[i].emplace();
    Evidence& evidence = *evidence_[i];
    const auto keep = [&](double& best, double p) { best = std::min(best, p / weight); };
    const double allowance = scaled.allowance();
    const RankTest above = test(design_, scaled, allowance);
    const RankTest below = test(design_, scaled, -allowance);
    keep(evidence.p, 2 * std::min(above.p_greater, below.p_less));
    keep(evidence.p_least, std::min(above.p_least, below.p_least));
    const double margin = scaled.margin - allowance;
    if (margin < 0) continue;
    keep(evidence.p_same,
         std::max(test(design_, scaled, -margin).p_greater, test(design_, scaled, margin).p_less));
  }
}

Trial::Family Trial::family() const {
  std::vector<FamilyMember> members;
  for (const std::optional<Evidence>& evidence : evidence_) {
    members.push_back(evidence ? FamilyMember{std::min(1.0, evidence->p), evidence->p_least}
                               : FamilyMember{});
  }
  // With few repetitions hardly one could be significant, with more all those that vary could.
  const auto varying = std::count_if(members.begin(), members.end(),
                                     [](const FamilyMember& member) { return member.p_least < 1; });
  return {adjust_family(members, rules_.alpha),
          static_cast<std::size_t>(std::max<std::ptrdiff_t>(varying, 1))};
}

void Trial::judge(std::size_t index, double p, std::size_t family, bool intervals,
                  MetricVerdict& verdict) const {
  const MetricSamples& metric = metrics_[index];
  const Scaled scaled = scale(metric, rules_);
  if (!scaled.usable) {
    verdict.why = "not measured in every repetition";
    return;
  }
  const double shift = estimate(design_, scaled);
  if (scaled.has_ratio()) verdict.ratio = std::exp(shift);
  verdict.difference = scaled.in_unit(shift, verdict.baseline);
  if (scaled.drift) {
    verdict.drift = scaled.has_ratio() ? std::expm1(*scaled.drift)
                                       : scaled.in_unit(*scaled.drift, verdict.baseline);
  }
  if (intervals) verdict.interval = interval_of(design_, scaled, verdict.baseline);
  if (metric.exact) {
    judge_exactly(scaled, verdict);
    return;
  }
  verdict.p = p;
  verdict.p_same = std::min(1.0, evidence_[index]->p_same);
  if (design_ == Design::kSeparate && is_time(metric.unit) && !scaled.drift &&
      !rules_.trust_sessions) {
    verdict.why = "no allocator common to both sessions shows how far the machine drifted";
  } else if (p <= rules_.alpha && std::abs(shift) > scaled.margin) {
    verdict.verdict = better_or_worse(metric.better, shift > 0);
  } else if (verdict.p_same <= rules_.alpha) {
    verdict.verdict = Verdict::kSame;
  } else {
    Projection projection = project(design_, scaled, rules_.alpha * weight_, family);
    verdict.more_repetitions = projection.more;
    verdict.why = std::move(projection.why);
  }
}

std::vector<MetricVerdict> Trial::verdicts(bool intervals) const {
  const Family all = family();
  std::vector<MetricVerdict> verdicts;
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    MetricVerdict verdict;
    verdict.key = metrics_[i].key;
    verdict.unit = metrics_[i].unit;
    verdict.better = metrics_[i].better;
    verdict.subject = median(metrics_[i].subject);
    verdict.baseline = median(metrics_[i].baseline);
    judge(i, all.p[i], all.size, intervals, verdict);
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace replay
