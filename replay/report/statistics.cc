#include "replay/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace replay {
namespace {

constexpr int kResamples = 4000;
constexpr unsigned kSeed = 20240229;

bool has_nan(std::span<const double> samples) {
  return std::any_of(samples.begin(), samples.end(), [](double x) { return std::isnan(x); });
}

double median_of(std::span<const double> samples, const std::vector<std::size_t>& indices) {
  std::vector<double> chosen;
  chosen.reserve(indices.size());
  for (const std::size_t index : indices) chosen.push_back(samples[index]);
  return median(chosen);
}

}  // namespace

double median(std::span<const double> samples) {
  if (samples.empty() || has_nan(samples)) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values(samples.begin(), samples.end());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return values.size() % 2 == 1 ? *middle
                                : (*std::max_element(values.begin(), middle) + *middle) / 2.0;
}

Interval bootstrap_interval(const std::vector<std::size_t>& sizes,
                            const std::function<double(const ResampledIndices&)>& statistic) {
  std::mt19937 random(kSeed);
  ResampledIndices indices;
  for (const std::size_t size : sizes) indices.emplace_back(size);
  std::vector<double> values;
  values.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    for (std::vector<std::size_t>& set : indices) {
      std::uniform_int_distribution<std::size_t> pick(0, set.size() - 1);
      for (std::size_t& index : set) index = pick(random);
    }
    values.push_back(statistic(indices));
  }
  std::sort(values.begin(), values.end());
  const double tail = (1.0 - kConfidence) / 2.0;
  const auto last = static_cast<double>(values.size() - 1);
  return {values[static_cast<std::size_t>(std::floor(tail * last))],
          values[static_cast<std::size_t>(std::ceil((1.0 - tail) * last))]};
}

std::optional<Interval> median_interval(std::span<const double> samples) {
  if (samples.size() < kMinSamples || has_nan(samples)) return std::nullopt;
  return bootstrap_interval({samples.size()}, [&](const ResampledIndices& indices) {
    return median_of(samples, indices[0]);
  });
}

std::optional<Interval> range_interval(std::span<const double> samples) {
  if (samples.size() < 2 || has_nan(samples)) return std::nullopt;
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  return Interval{*low, *high};
}

bool any_below_zero(std::span<const double> samples) {
  return std::any_of(samples.begin(), samples.end(), [](double sample) { return sample < 0; });
}

std::optional<Interval> range_ratio_interval(std::span<const double> a, std::span<const double> b) {
  const std::optional<Interval> above = range_interval(a);
  const std::optional<Interval> below = range_interval(b);
  if (!above || !below || above->low < 0 || below->low <= 0) return std::nullopt;
  return Interval{above->low / below->high, above->high / below->low};
}

std::optional<Interval> paired_ratio_interval(std::span<const double> a,
                                              std::span<const double> b) {
  if (a.size() < kMinSamples || a.size() != b.size() || has_nan(a) || has_nan(b) ||
      any_below_zero(a) || any_below_zero(b)) {
    return std::nullopt;
  }
  if (std::find(b.begin(), b.end(), 0.0) != b.end()) return std::nullopt;
  return bootstrap_interval({a.size()}, [&](const ResampledIndices& indices) {
    return median_of(a, indices[0]) / median_of(b, indices[0]);
  });
}

}  // namespace replay
