// liballocclock.so: the C library's clocks, standing still until they are told (still_clock.h).
// Calls that the C library makes to itself, and the time-stamp counter, are not reached.
#include "replay/engine/still_clock.h"

#include <sys/time.h>
#include <time.h>

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
// Any will do; far from zero, as every clock of a machine that runs is.
constexpr std::uint64_t kBeginNs = 1'000'000 * kNsPerSecond;

std::uint64_t now_ns = kBeginNs;

}  // namespace

#define ALLOCREPLAY_EXPORT extern "C" __attribute__((visibility("default")))

ALLOCREPLAY_EXPORT void allocreplay_advance_still_clock(std::uint64_t to_ns) {
  now_ns = kBeginNs + to_ns;
}

ALLOCREPLAY_EXPORT int clock_gettime(clockid_t, timespec* now) noexcept {
  now->tv_sec = static_cast<time_t>(now_ns / kNsPerSecond);
  now->tv_nsec = static_cast<long>(now_ns % kNsPerSecond);
  return 0;
}

ALLOCREPLAY_EXPORT int gettimeofday(timeval* now, void*) noexcept {
  now->tv_sec = static_cast<time_t>(now_ns / kNsPerSecond);
  now->tv_usec = static_cast<suseconds_t>(now_ns % kNsPerSecond / 1000);
  return 0;
}

ALLOCREPLAY_EXPORT time_t time(time_t* out) noexcept {
  const auto now = static_cast<time_t>(now_ns / kNsPerSecond);
  if (out != nullptr) *out = now;
  return now;
}
