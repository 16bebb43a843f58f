#include "core/base/lock.h"

#include <errno.h>
#include <gtest/gtest.h>

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
  mutex.unlock();
  waiter.join();
  EXPECT_EQ(errno_seen, 77);
}

}  // namespace
}  // namespace mem
