// How two traces' statistics differ: figure by figure, and how far their distributions are apart.
//
// Pure arithmetic on two summaries. The distance of two histograms is the greatest difference of
// their cumulative shares (Kolmogorov-Smirnov), taken at the bounds of their buckets, so it is a
// lower bound of that of the values; 0 is the same, 1 is apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replay/trace/summary.h"

namespace replay {

struct FigureDifference {
  std::string name;  // snake_case, units last
  double a = 0;
  double b = 0;
  std::optional<double> ratio() const {  // b to a
    return a == 0 ? std::nullopt : std::optional(b / a);
  }
};

struct DistributionDifference {
  std::string name;
  std::optional<double> distance;  // nothing if either is empty
};

struct Difference {
  std::vector<FigureDifference> figures;
  std::vector<DistributionDifference> distributions;
  bool same() const;
};

std::optional<double> distance(const Log2Histogram& a, const Log2Histogram& b);

// The greatest difference of the live bytes, each as a share of its own peak, at the same share of
// the events; nothing if either trace never has a byte live.
std::optional<double> curve_distance(const Summary& a, const Summary& b);

Difference difference(const Summary& a, const Summary& b);

}  // namespace replay
