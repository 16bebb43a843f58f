#include "core/base/lock.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace mem {
namespace {

TEST(Mutex, ExcludesOthers) {
  Mutex mutex;
  long counter = 0;  // plain: a lost update or a race report tells of a broken lock
  constexpr int kThreads = 4;
  constexpr long kRounds = 50000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (long i = 0; i < kRounds; ++i) {
        const LockGuard guard(mutex);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, kThreads * kRounds);
}

TEST(Mutex, TryLockTellsWhetherItIsHeld) {
  Mutex mutex;
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_FALSE(mutex.try_lock());
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

// In a process of its own, for the one of the tests has had threads.
TEST(MutexDeathTest, HeldByTheOnlyThreadItExcludesThoseThatComeLater) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        if (__libc_single_threaded == 0) _exit(2);
        static Mutex mutex;
        mutex.lock();
        const bool is_held = !mutex.try_lock();
        mutex.unlock();
        mutex.lock();
        bool was_held = false;
        std::thread other([&] { was_held = !mutex.try_lock(); });
        other.join();
        mutex.unlock();
        const bool is_open = mutex.try_lock();
        _exit(is_held && was_held && is_open ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Mutex, OpensAfterFork) {
  Mutex mutex;
  mutex.lock();
  mutex.reset_after_fork();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(Mutex, WakesASleeperAndKeepsErrno) {
  Mutex mutex;
  mutex.lock();
  std::atomic<bool> started{false};
  int errno_seen = 0;
  std::thread waiter([&] {
    errno = 77;
    started = true;
    const LockGuard guard(mutex);
    errno_seen = errno;
  });
  while (!started) std::this_thread::yield();
  // Until it says that it goes to sleep; the mutex is its state.
  static_assert(sizeof(Mutex) == sizeof(std::uint32_t));
  constexpr std::uint32_t kContended = 2;
  while (__atomic_load_n(reinterpret_cast<std::uint32_t*>(&mutex), __ATOMIC_RELAXED) !=
         kContended) {
    std::this_thread::yield();
  }
  mutex.unlock();
  waiter.join();
  EXPECT_EQ(errno_seen, 77);
}

}  // namespace
}  // namespace mem
