#include "replay/report/looks.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace replay {
namespace {

constexpr int kFewest = 6;      // below, not even one metric could be told (statistics.h)
constexpr double kStep = 1.25;  // more looks would spend the rate in crumbs

double spent(double share) { return std::log1p((std::numbers::e - 1) * share); }

bool can_tell(int repetitions, int most, std::size_t metrics, double alpha) {
  const double least_p = std::exp2(1 - repetitions);
  const double rate = alpha * spent(static_cast<double>(repetitions) / most);
  return least_p * static_cast<double>(metrics) <= rate;
}

}  // namespace

std::vector<Look> plan_looks(int most, std::size_t metrics, double alpha) {
  int first = std::min(kFewest, most);
  while (first < most && !can_tell(first, most, metrics, alpha)) ++first;
  std::vector<Look> looks;
  double before = 0;
  for (int at = first;; at = std::min(most, static_cast<int>(std::ceil(at * kStep)))) {
    const double now = spent(static_cast<double>(at) / most);
    looks.push_back({at, now - before});
    before = now;
    if (at == most) return looks;
  }
}

}  // namespace replay
