// How far a lane has come, told by its thread and awaited by others: LaneRun::reached.
//
// Waiters spin for a moment, then sleep on a futex. Telling costs one atomic exchange, and a system
// call if somebody sleeps. For the worker: no C++ library, no allocation.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cstdint>

namespace replay {

inline constexpr std::uint64_t kSleepers = 1;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("" ::: "memory");
#endif
}

// The half of `word` that changes first; a futex has 32 bits.
inline std::uint32_t* futex_of(std::uint64_t* word) {
  return reinterpret_cast<std::uint32_t*>(word) + (std::endian::native == std::endian::big ? 1 : 0);
}
inline void futex_wait(std::uint64_t* word, std::uint64_t while_it_is) {
  ::syscall(SYS_futex, futex_of(word), FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(while_it_is),
            nullptr, nullptr, 0);
}
inline void futex_wake_all(std::uint64_t* word) {
  ::syscall(SYS_futex, futex_of(word), FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

// All that the thread did before is seen by whoever finds `amount` reached.
inline void publish(std::uint64_t& reached, std::uint64_t amount) {
  // acq_rel: release for the waiters; acquire so that the wake-up comes after the exchange.
  const std::uint64_t before = __atomic_exchange_n(&reached, amount << 1, __ATOMIC_ACQ_REL);
  if ((before & kSleepers) != 0) futex_wake_all(&reached);
}

inline std::uint64_t amount_reached(const std::uint64_t& reached) {
  return __atomic_load_n(&reached, __ATOMIC_ACQUIRE) >> 1;
}
inline bool has_reached(const std::uint64_t& reached, std::uint64_t amount) {
  return amount_reached(reached) >= amount;
}

// Returns true if it found that before it had to sleep. pre: not reached a moment ago.
inline bool await(std::uint64_t& reached, std::uint64_t amount, unsigned spins) {
  for (unsigned i = 0; i < spins; ++i) {
    pause_cpu();
    if (has_reached(reached, amount)) return true;
  }
  for (;;) {
    const std::uint64_t now = __atomic_fetch_or(&reached, kSleepers, __ATOMIC_ACQ_REL) | kSleepers;
    if (now >> 1 >= amount) return false;
    futex_wait(&reached, now);
  }
}

}  // namespace replay
