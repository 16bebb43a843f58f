#include "core/base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mem {
namespace {

// A heap's critical section takes tens of nanoseconds, so a short spin mostly saves the two
// system calls of a sleep; more would only burn the holder's core on a small machine.
constexpr int kSpins = 64;

void pause_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Mutex::lock_slow() noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (state_.load(std::memory_order_relaxed) == kOpen && try_lock()) return;
    pause_cpu();
  }
  const int saved_errno = errno;
  while (state_.exchange(kContended, std::memory_order_acquire) != kOpen) {
    syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kContended, nullptr, nullptr, 0);
  }
  errno = saved_errno;
}

void Mutex::wake_one() noexcept {
  const int saved_errno = errno;
  syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace mem
