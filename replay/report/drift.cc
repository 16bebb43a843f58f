#include "replay/report/drift.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

namespace replay {
namespace {

using boost::math::normal;

// Of Kendall's score, given the ties.
double score_variance(std::span<const double> values) {
  const auto term = [](double n) { return n * (n - 1) * (2 * n + 5); };
  std::map<double, std::size_t> ties;
  for (const double value : values) ++ties[value];
  double variance = term(static_cast<double>(values.size()));
  for (const auto& [value, count] : ties) variance -= term(static_cast<double>(count));
  return variance / 18;
}

double p_of_growth(double score, double variance) {
  if (variance <= 0) return 1;
  return cdf(complement(normal(), (score - 1) / std::sqrt(variance)));
}

}  // namespace

const char* drift_verdict_name(DriftVerdict verdict) {
  switch (verdict) {
    case DriftVerdict::kGrows:
      return "grows";
    case DriftVerdict::kSteady:
      return "steady";
    case DriftVerdict::kCannotTell:
      return "cannot tell";
  }
  return "?";
}

Drift find_drift(std::span<const double> by_turn, double tolerance) {
  const std::span<const double> tested = by_turn.subspan(by_turn.size() / 2);
  Drift drift;
  drift.tested_turns = tested.size();
  if (tested.size() < kLeastTested) return drift;
  const auto [least, most] = std::minmax_element(tested.begin(), tested.end());
  if (*least == *most) {
    drift.verdict = DriftVerdict::kSteady;
    return drift;
  }
  double level = median(tested);
  if (level == 0) {  // what holds nothing in most turns may grow all the same
    level = std::accumulate(tested.begin(), tested.end(), 0.0) / static_cast<double>(tested.size());
  }
  if (level <= 0) return drift;
  std::vector<double> slopes;
  double score = 0;
  for (std::size_t i = 0; i < tested.size(); ++i) {
    for (std::size_t j = i + 1; j < tested.size(); ++j) {
      score += tested[j] > tested[i] ? 1 : tested[j] < tested[i] ? -1 : 0;
      slopes.push_back((tested[j] - tested[i]) / static_cast<double>(j - i));
    }
  }
  std::sort(slopes.begin(), slopes.end());
  const double variance = score_variance(tested);
  drift.p_grows = p_of_growth(score, variance);
  const double share = static_cast<double>(tested.size() - 1) / level;
  drift.growth = median(slopes) * share;
  const double reach = quantile(normal(), 1 - kDriftLevel / 2) * std::sqrt(std::max(variance, 0.0));
  const auto count = static_cast<double>(slopes.size());
  const auto slope_at = [&](double rank) {
    return slopes[static_cast<std::size_t>(std::clamp(rank, 0.0, count - 1))];
  };
  drift.growth_interval = {slope_at(std::floor((count - reach) / 2)) * share,
                           slope_at(std::ceil((count + reach) / 2)) * share};
  if (drift.p_grows < kDriftLevel && drift.growth >= tolerance) {
    drift.verdict = DriftVerdict::kGrows;
  } else if (drift.growth_interval.high < tolerance) {
    drift.verdict = DriftVerdict::kSteady;
  }
  return drift;
}

}  // namespace replay
