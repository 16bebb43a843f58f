// The basics: medians, and bootstrap intervals of a median and of a ratio of medians.
//
// Percentile bootstrap (Efron 1979) with a fixed seed: the same samples give the same interval.
// An interval is never wider than the range of the samples, and the range of n samples holds the
// median with probability 1 - 2^(1-n): below six samples there is no 95 % interval to be had.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace replay {

struct Interval {
  double low;
  double high;
};

inline constexpr double kConfidence = 0.95;
inline constexpr std::size_t kMinSamples = 6;

double median(std::span<const double> samples);  // NaN if empty

// One list of indices for each of the sets that are resampled.
using ResampledIndices = std::vector<std::vector<std::size_t>>;

// The middle kConfidence of `statistic` over resampled sets of these sizes.
Interval bootstrap_interval(const std::vector<std::size_t>& sizes,
                            const std::function<double(const ResampledIndices&)>& statistic);

// Of the median. Nothing for fewer than kMinSamples.
std::optional<Interval> median_interval(std::span<const double> samples);

// From the least to the most, for figures that hardly differ. Nothing for fewer than two samples,
// which show no agreement.
std::optional<Interval> range_interval(std::span<const double> samples);

// Of figures below 0 no ratio means anything.
bool any_below_zero(std::span<const double> samples);

// Of any a[i] / b[j]. Nothing where range_interval has nothing, a sample is below 0 or a
// denominator 0.
std::optional<Interval> range_ratio_interval(std::span<const double> a, std::span<const double> b);

// Of median(a) / median(b), resampling repetitions as pairs: a[i] and b[i] ran side by side.
// pre: equal lengths. Nothing for fewer than kMinSamples pairs or where a sample is below 0 or NaN
// or a denominator 0.
std::optional<Interval> paired_ratio_interval(std::span<const double> a, std::span<const double> b);

}  // namespace replay
