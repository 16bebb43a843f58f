// The clock that orders recorded calls across threads.
//
// A stamp is taken before a release and after a birth. Then for two lives of one address, ended by
// thread X and begun by thread Y, X's stamp lies before Y's: X stamps, releases, Y receives, Y
// stamps. That needs a clock that all cores share, and a read that is not moved:
//   - not later: a store of X becomes visible only after X's stamp retired, so what Y sees of the
//     release is younger than the stamp. Holds for any instruction.
//   - not earlier: Y's stamp must wait for the load that received the block, and a release's stamp
//     for the load that received the pointer from the thread which allocated it. Plain rdtsc waits
//     for nothing and may run ahead of a load that misses the cache; rdtscp waits for all earlier
//     loads. So both stamps are rdtscp, though it costs some nanoseconds more.
// While the process has one thread there is nobody to be ordered against, and the plain rdtsc, half
// the cost, will do (the C library says so; a thread made past it, by clone, it does not know of).
// Where the time-stamp counter is not invariant or the kernel distrusts it, clock_gettime
// (CLOCK_MONOTONIC_RAW) takes its place; its read is ordered likewise.
//
// Thread-safe, never allocates, no errors. About 20 ns, alone 10.
#pragma once

#include <time.h>

#include <cstdint>

#include "replay/record/spool.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace replay::spool {

inline std::uint64_t read_clock_ns(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t read_stamp(ClockKind clock) {
#if defined(__x86_64__)
  if (clock == ClockKind::kTsc) [[likely]] {
    unsigned processor = 0;
    return __rdtscp(&processor);
  }
#endif
  (void)clock;
  return read_clock_ns(CLOCK_MONOTONIC_RAW);
}

// The same for a caller that is the process's only thread.
inline std::uint64_t read_stamp_alone(ClockKind clock) {
#if defined(__x86_64__)
  if (clock == ClockKind::kTsc) [[likely]]
    return __rdtsc();
#endif
  return read_stamp(clock);
}

// True if the processor says that its counter runs at one rate always, and has rdtscp.
inline bool processor_has_invariant_tsc() {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d) == 0 || (d & (1u << 27)) == 0) return false;
  return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
#else
  return false;
#endif
}

// The same moment by three functions that read a clock: of several tries the one that took least,
// as between two reads another thread may have had the processor.
template <class Raw, class Unix, class Stamp>
Calibration calibrate_by(Raw raw_ns, Unix unix_ns, Stamp stamp) {
  constexpr int kTries = 8;
  Calibration best{};
  std::uint64_t least = kNever;
  for (int i = 0; i < kTries; ++i) {
    Calibration now{};
    const std::uint64_t begin = raw_ns();
    now.unix_ns = unix_ns();
    now.stamp = stamp();
    const std::uint64_t took = raw_ns() - begin;
    now.monotonic_raw_ns = begin + took / 2;
    if (took >= least) continue;
    least = took;
    best = now;
  }
  return best;
}

// The same moment on three clocks.
inline Calibration calibrate(ClockKind clock) {
  return calibrate_by([] { return read_clock_ns(CLOCK_MONOTONIC_RAW); },
                      [] { return read_clock_ns(CLOCK_REALTIME); },
                      [clock] { return read_stamp(clock); });
}

}  // namespace replay::spool
