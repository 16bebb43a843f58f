// What a timer (timer.h) costs and resolves, and its rate; measured in the worker that uses it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "replay/engine/timer.h"

namespace replay {

// By how much the clock steps, in ticks, from windows of many lengths, ascending, not empty. Their
// greatest common divisor; if that is below 8, a step of 8 or more and at most the median window
// which explains most windows but for a tick or so, for a clock may convert a coarse counter to
// finer ticks, and round. O(windows) time for each of some hundred candidates.
double step_of(std::span<const std::uint64_t> windows);

struct TimerQuality {
  double window_ticks;  // what a window takes in which nothing happens
  double step_ticks;
};

template <class Timer>
TimerQuality measure_timer() {
  static constexpr std::size_t kWindows = 2048;
  static constexpr std::size_t kLengths = 64;  // multiplications; some ten steps of a coarse clock
  std::array<std::uint64_t, kWindows> windows;
  for (std::uint64_t& window : windows) {
    const std::uint64_t start = Timer::start();
    window = Timer::stop() - start;
  }
  std::sort(windows.begin(), windows.end());
  // Between a step and the next the median jumps; the mean of the middle half does not.
  double sum = 0;
  for (std::size_t i = kWindows / 4; i < kWindows / 4 * 3; ++i) {
    sum += static_cast<double>(windows[i]);
  }
  for (std::size_t i = 0; i < kWindows; ++i) {
    const std::uint64_t start = Timer::start();
    std::uint64_t work = i;
    for (std::size_t j = 0; j < i % kLengths; ++j) {
      work *= work;
      asm volatile("" : "+r"(work));
    }
    windows[i] = Timer::stop() - start;
  }
  std::sort(windows.begin(), windows.end());
  return {sum / (kWindows / 2), step_of(windows)};
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
