// A mutex of four bytes on the futex system call: constant-initialised, usable before any
// constructor, needing no pthread, and resettable in the child of a fork. Not recursive, not fair.
//
// Uncontended lock and unlock: one atomic instruction each, or plain loads and stores as long as
// the process has never had a second thread, which glibc tells. Keeps errno.
#pragma once

#include <sys/single_threaded.h>

#include <atomic>
#include <cstdint>

namespace mem {

class Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // acquire pairs with the release in unlock: what the last holder wrote is seen.
  void lock() noexcept {
    if (is_alone() && state_.load(std::memory_order_relaxed) == kOpen) {
      return state_.store(kHeld, std::memory_order_relaxed);
    }
    if (!try_lock()) lock_slow();
  }
  void unlock() noexcept {
    if (is_alone()) return state_.store(kOpen, std::memory_order_relaxed);
    if (state_.exchange(kOpen, std::memory_order_release) == kContended) wake_one();
  }
  bool try_lock() noexcept {
    std::uint32_t expected = kOpen;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  // Whether the process has never had a second thread.
  static bool is_alone() noexcept { return __libc_single_threaded != 0; }

  // pre: called in the only thread of a forked child, whose parent held the lock across fork.
  void reset_after_fork() noexcept { state_.store(kOpen, std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kOpen = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;  // held, and somebody may be waiting

  void lock_slow() noexcept;
  void wake_one() noexcept;

  std::atomic<std::uint32_t> state_{kOpen};
};

class LockGuard {
 public:
  explicit LockGuard(Mutex& mutex) noexcept : mutex_(mutex) { mutex_.lock(); }
  ~LockGuard() { mutex_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace mem
