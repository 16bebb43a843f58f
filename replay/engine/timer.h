// The clock of the latency pass: the time-stamp counter where it is invariant, fenced so that no
// work moves in or out of the window, else clock_gettime. Costs about 10 to 25 ns a reading here.
#pragma once

#include <time.h>

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace replay {

inline std::uint64_t monotonic_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// True if the counter runs at one rate whatever the core does (CPUID 8000_0007h, EDX bit 8).
inline bool tsc_is_invariant() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
#else
  return false;
#endif
}

#if defined(__x86_64__)
struct TscTimer {
  static std::uint64_t start() {
    _mm_lfence();  // everything before the window has finished
    const std::uint64_t ticks = __rdtsc();
    _mm_lfence();  // nothing of the window has begun
    return ticks;
  }
  static std::uint64_t stop() {
    unsigned cpu;
    const std::uint64_t ticks = __rdtscp(&cpu);  // waits for the window to finish
    _mm_lfence();
    return ticks;
  }
};
#endif

struct ClockTimer {
  static std::uint64_t start() { return monotonic_ns(); }
  static std::uint64_t stop() { return monotonic_ns(); }
};

}  // namespace replay
