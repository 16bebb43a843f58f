// What a timer (timer.h) costs and resolves, and its rate; measured in the worker that uses it.
#pragma once

#include <cstdint>
#include <numeric>

#include "replay/engine/tick_histogram.h"
#include "replay/engine/timer.h"

namespace replay {

struct EmptyWindows {
  std::uint64_t median_ticks;  // what a window takes in which nothing happens
  std::uint64_t step_ticks;    // every reading is a multiple of it
};

template <class Timer>
EmptyWindows measure_empty_windows() {
  static TickHistogram histogram;
  constexpr unsigned kWindows = 10001;
  std::uint64_t step = 0;
  for (unsigned i = 0; i < kWindows; ++i) {
    const std::uint64_t start = Timer::start();
    const std::uint64_t ticks = Timer::stop() - start;
    histogram.record(ticks);
    step = std::gcd(step, ticks);
  }
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < TickHistogram::kBuckets; ++i) {
    seen += histogram.buckets[i];
    if (seen > kWindows / 2) return {TickHistogram::lower_bound(i), step};
  }
  return {0, step};
}

// The rate, from construction until ns_per_tick(), which waits until enough time has passed to keep
// its error below 1 in 10^5.
template <class Timer>
class TickRate {
 public:
  double ns_per_tick() const {
    constexpr std::uint64_t kLeastNs = 20'000'000;
    while (monotonic_ns() - start_ns_ < kLeastNs) {
    }
    const std::uint64_t stop_ns = monotonic_ns();
    const std::uint64_t stop_ticks = Timer::stop();
    return static_cast<double>(stop_ns - start_ns_) /
           static_cast<double>(stop_ticks - start_ticks_);
  }

 private:
  std::uint64_t start_ns_ = monotonic_ns();
  std::uint64_t start_ticks_ = Timer::stop();
};

}  // namespace replay
