#include "replay/engine/timer_quality.h"

#include <cmath>
#include <numeric>

namespace replay {
namespace {

// Of a finer step too many readings are near a multiple by chance, or by rounding.
constexpr double kLeastCoarse = 8;

// Windows near a multiple of a step, and what they say of it.
struct Fit {
  std::size_t near = 0;
  double least_multiple = INFINITY;
  double most_multiple = 0;
  double products = 0;
  double squares = 0;

  bool tells() const { return most_multiple > least_multiple; }
  double least_squares() const { return products / squares; }
};

Fit fit(std::span<const std::uint64_t> windows, double step) {
  Fit result;
  for (const std::uint64_t window : windows) {
    const auto ticks = static_cast<double>(window);
    const auto multiple = static_cast<double>(static_cast<std::uint64_t>(ticks / step + 0.5));
    if (std::abs(ticks - multiple * step) > step / 8) continue;
    ++result.near;
    result.least_multiple = std::min(result.least_multiple, multiple);
    result.most_multiple = std::max(result.most_multiple, multiple);
    result.products += ticks * multiple;
    result.squares += multiple * multiple;
  }
  return result;
}

}  // namespace

double step_of(std::span<const std::uint64_t> windows) {
  const auto exact = static_cast<double>(std::accumulate(
      windows.begin(), windows.end(), std::uint64_t{0}, std::gcd<std::uint64_t, std::uint64_t>));
  if (exact >= kLeastCoarse) return exact;
  // Long ones were interrupted.
  const std::span<const std::uint64_t> undisturbed = windows.first(windows.size() * 19 / 20);
  for (auto step = static_cast<double>(windows[windows.size() / 2]); step >= kLeastCoarse;
       step *= 0.995) {
    const Fit found = fit(undisturbed, step);
    if (found.tells() && found.near >= undisturbed.size() * 9 / 10) return found.least_squares();
  }
  return exact;
}

}  // namespace replay
