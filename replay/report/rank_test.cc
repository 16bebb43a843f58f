#include "replay/report/rank_test.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "replay/report/statistics.h"

namespace replay {
namespace {

// Twice the mid-rank of each value, so that all are whole.
std::vector<std::size_t> doubled_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<std::size_t> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    // Ranks first + 1 to last, whose mean is (first + 1 + last) / 2.
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = first + 1 + last;
    first = last;
  }
  return ranks;
}

// The tests of `sum` in a distribution over sums 0, 1, 2, ...
RankTest tails(const std::vector<double>& probability, std::size_t sum) {
  RankTest test{0, 0, 0};
  for (std::size_t i = 0; i < probability.size(); ++i) {
    if (i >= sum) test.p_greater += probability[i];
    if (i <= sum) test.p_less += probability[i];
  }
  const auto possible = [](double p) { return p > 0; };
  const double lowest = *std::find_if(probability.begin(), probability.end(), possible);
  const double highest = *std::find_if(probability.rbegin(), probability.rend(), possible);
  test.p_least = std::min(1.0, 2 * std::min(lowest, highest));
  return test;
}

// The normal limit, corrected for continuity; sums of doubled ranks move in steps of 2.
RankTest normal_tails(double sum, double mean, double variance, double extreme) {
  if (variance <= 0) return {};
  const boost::math::normal standard;
  const double sd = std::sqrt(variance);
  const auto upper = [&](double x) {
    return boost::math::cdf(boost::math::complement(standard, (x - mean - 1) / sd));
  };
  const auto lower = [&](double x) { return boost::math::cdf(standard, (x - mean + 1) / sd); };
  return {std::min(1.0, upper(sum)), std::min(1.0, lower(sum)), std::min(1.0, 2 * upper(extreme))};
}

double squares(const std::vector<std::size_t>& ranks) {
  double sum = 0;
  for (const std::size_t rank : ranks) sum += static_cast<double>(rank) * static_cast<double>(rank);
  return sum;
}

// Probabilities of the sum of `count` of the ranks, all choices alike.
std::vector<double> choice_sums(const std::vector<std::size_t>& ranks, std::size_t count) {
  const std::size_t total = std::accumulate(ranks.begin(), ranks.end(), std::size_t{0});
  // share[k][s]: the share of all ways to decide on the ranks so far that took k with sum s; a
  // rank is taken with the chance that keeps every choice of `count` equally likely.
  std::vector<std::vector<double>> share(count + 1, std::vector<double>(total + 1, 0));
  share[0][0] = 1;
  const std::size_t n = ranks.size();
  for (std::size_t i = 0; i < n; ++i) {
    const auto left = static_cast<double>(n - i);
    for (std::size_t k = std::min(i, count) + 1; k-- > 0;) {
      const double take = static_cast<double>(count - k) / left;
      if (k < count) {
        for (std::size_t s = 0; s + ranks[i] <= total; ++s) {
          share[k + 1][s + ranks[i]] += share[k][s] * take;
        }
      }
      for (double& value : share[k]) value *= 1 - take;
    }
  }
  return share[count];
}

}  // namespace

double RankTest::p_two_sided() const { return std::min(1.0, 2 * std::min(p_greater, p_less)); }

RankTest signed_rank_test(std::span<const double> differences) {
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    positive.push_back(difference > 0);
  }
  if (sizes.empty()) return {};
  const std::vector<std::size_t> ranks = doubled_ranks(sizes);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) sum += positive[i] ? ranks[i] : 0;
  const std::size_t total = std::accumulate(ranks.begin(), ranks.end(), std::size_t{0});
  if (ranks.size() > kExactPairs) {
    return normal_tails(static_cast<double>(sum), static_cast<double>(total) / 2,
                        squares(ranks) / 4, static_cast<double>(total));
  }
  std::vector<double> probability(total + 1, 0);
  probability[0] = 1;
  std::size_t reached = 0;
  for (const std::size_t rank : ranks) {
    for (std::size_t s = reached + 1; s-- > 0;) {
      probability[s] /= 2;
      probability[s + rank] += probability[s];
    }
    reached += rank;
  }
  return tails(probability, sum);
}

RankTest rank_sum_test(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return {};
  std::vector<double> pooled(a.begin(), a.end());
  pooled.insert(pooled.end(), b.begin(), b.end());
  const std::vector<std::size_t> ranks = doubled_ranks(pooled);
  const auto middle = ranks.begin() + static_cast<std::ptrdiff_t>(a.size());
  const std::size_t sum = std::accumulate(ranks.begin(), middle, std::size_t{0});
  if (pooled.size() > kExactPooled) {
    const auto n = static_cast<double>(pooled.size());
    const auto n_a = static_cast<double>(a.size());
    const double mean_rank = n + 1;  // doubled
    const double spread = squares(ranks) / n - mean_rank * mean_rank;
    std::vector<std::size_t> sorted = ranks;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::size_t extreme = std::accumulate(
        sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(a.size()), std::size_t{0});
    return normal_tails(static_cast<double>(sum), n_a * mean_rank,
                        n_a * (n - n_a) / (n - 1) * spread, static_cast<double>(extreme));
  }
  return tails(choice_sums(ranks, a.size()), sum);
}

double signed_rank_shift(std::span<const double> differences) {
  std::vector<double> means;
  means.reserve(differences.size() * (differences.size() + 1) / 2);
  for (std::size_t i = 0; i < differences.size(); ++i) {
    for (std::size_t j = i; j < differences.size(); ++j) {
      means.push_back(differences[i] / 2 + differences[j] / 2);
    }
  }
  return median(means);
}

double rank_sum_shift(std::span<const double> a, std::span<const double> b) {
  std::vector<double> shifts;
  shifts.reserve(a.size() * b.size());
  for (const double x : a) {
    for (const double y : b) shifts.push_back(x - y);
  }
  return median(shifts);
}

}  // namespace replay
