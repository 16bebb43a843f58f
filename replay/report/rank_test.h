// Rank tests, exact given the ties that the data have.
//
// Signed rank (Wilcoxon 1945) for pairs that ran side by side: under "no difference" each sign is a
// fair coin. Rank sum (Mann and Whitney 1947) for two separate sets: every split of the pooled
// values is alike. Both take the distribution from the values as they are, mid-ranks for ties, so
// a timer of coarse steps makes no error. Above kExactPairs or kExactPooled the normal limit
// serves.
//
// Stateless. Signed rank costs O(n^3) at the most, rank sum O(n^4); a few ms at those limits.
#pragma once

#include <cstddef>
#include <span>

namespace replay {

inline constexpr std::size_t kExactPairs = 200;
inline constexpr std::size_t kExactPooled = 100;

struct RankTest {
  double p_greater = 1;  // how probable a sum as large as this is, or larger
  double p_less = 1;     // ... as small, or smaller
  double p_least = 1;    // the least two-sided p that these values could give, whatever their signs
                         // or their split

  double p_two_sided() const;
};

// Of differences; those that are 0 say nothing and are left out. Infinite ones rank highest.
RankTest signed_rank_test(std::span<const double> differences);

// "greater": `a` tends to be above `b`.
RankTest rank_sum_test(std::span<const double> a, std::span<const double> b);

// Hodges and Lehmann (1963), the estimates that belong to the two tests: the median of the means of
// all pairs of differences, and the median of all a[i] - b[j]. NaN if there is none.
double signed_rank_shift(std::span<const double> differences);
double rank_sum_shift(std::span<const double> a, std::span<const double> b);

}  // namespace replay
