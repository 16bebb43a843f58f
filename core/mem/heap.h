// Heap: a block heap with one lock around every operation; an Allocator with every capability.
//
// Safe from any thread; each operation costs what the block heap's does, and the lock. Constant-
// initialised, so a heap with static storage works before any constructor has run.
#pragma once

#include <cstddef>

#include "core/base/lock.h"
#include "core/mem/block_heap.h"

namespace mem {

template <class Config, PageSource Pages = LinuxPages>
class Heap {
 public:
  constexpr Heap() noexcept = default;

  void* allocate(std::size_t size, std::size_t align) noexcept {
    const LockGuard guard(mutex_);
    return blocks_.allocate(size, align);
  }
  void* allocate_zeroed(std::size_t size) noexcept {
    const LockGuard guard(mutex_);
    return blocks_.allocate_zeroed(size);
  }
  void* reallocate(void* p, std::size_t size) noexcept {
    const LockGuard guard(mutex_);
    return blocks_.reallocate(p, size);
  }
  void deallocate(void* p) noexcept {
    const LockGuard guard(mutex_);
    blocks_.deallocate(p);
  }
  std::size_t usable_size(const void* p) noexcept {
    const LockGuard guard(mutex_);
    return blocks_.usable_size(p);
  }
  std::size_t purge() noexcept {
    const LockGuard guard(mutex_);
    return blocks_.purge();
  }
  int check() noexcept {
    const LockGuard guard(mutex_);
    return blocks_.check();
  }
  HeapStats stats() const noexcept {
    const LockGuard guard(mutex_);
    return blocks_.stats();
  }

  // For pthread_atfork: the heap is consistent in the child because nobody was inside.
  void lock_for_fork() noexcept { mutex_.lock(); }
  void unlock_in_parent() noexcept { mutex_.unlock(); }
  void unlock_in_child() noexcept { mutex_.reset_after_fork(); }

 private:
  mutable Mutex mutex_;
  BlockHeap<Config, Pages> blocks_;
};

}  // namespace mem
