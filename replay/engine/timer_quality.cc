#include "replay/engine/timer_quality.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace replay {
namespace {

// Of a finer step too many readings are near a multiple by chance, or by rounding.
constexpr double kLeastCoarse = 8;

// Both readings of a window are rounded, each by less than a tick.
constexpr double kRounding = 1.5;
constexpr double kEnough = 0.9;

double multiple(std::uint64_t window, double step) {
  return static_cast<double>(static_cast<std::uint64_t>(static_cast<double>(window) / step + 0.5));
}

double distance(std::uint64_t window, double step) {
  return std::abs(static_cast<double>(window) - multiple(window, step) * step);
}

bool explains(std::span<const std::uint64_t> windows, double step, double within) {
  const auto near = std::count_if(windows.begin(), windows.end(), [=](std::uint64_t window) {
    return distance(window, step) <= within;
  });
  return static_cast<double>(near) >= kEnough * static_cast<double>(windows.size());
}

// The step near `step` that is best for those windows which it explains roughly, by least squares.
double refined(std::span<const std::uint64_t> windows, double step) {
  double products = 0;
  double squares = 0;
  for (const std::uint64_t window : windows) {
    if (distance(window, step) > step / 8) continue;
    const double steps = multiple(window, step);
    products += static_cast<double>(window) * steps;
    squares += steps * steps;
  }
  return products / squares;
}

// If none is a step longer than another, they say nothing of it.
bool differ(std::span<const std::uint64_t> windows, double step) {
  return multiple(windows.front(), step) != multiple(windows.back(), step);
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
    if (!differ(undisturbed, step) || !explains(undisturbed, step, step / 8)) continue;
    const double found = refined(undisturbed, step);
    if (explains(undisturbed, found, kRounding)) return found;
  }
  return exact;
}

}  // namespace replay
