// The C face of include/mem.h, and what keeps the heap whole across fork. Costs are the heap's.
#include "core/include/mem.h"

#include <errno.h>
#include <pthread.h>

#include "core/allocators/named_heaps.h"
#include "core/base/bits.h"

extern "C" {
// glibc's recursive lock of the list of all streams (its libio/genops.c; in no header).
[[gnu::weak]] void _IO_list_lock() noexcept;
[[gnu::weak]] void _IO_list_unlock() noexcept;
[[gnu::weak]] void _IO_list_resetlock() noexcept;
}

namespace {

using mem::default_heap;

void* no_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

// A fork in one thread must not copy a heap that another one is changing: it takes the lock first.
// The child has one thread, which is the one that took the lock. glibc's fork takes the lock of the
// streams after these handlers, and who has that may wait for a stream of a thread that allocates
// (fflush(NULL) beside getline): so it comes first here.
void before_fork() noexcept {
  if (_IO_list_lock != nullptr) _IO_list_lock();
  default_heap.lock_for_fork();
}

void after_fork_in_parent() noexcept {
  default_heap.unlock_in_parent();
  if (_IO_list_unlock != nullptr) _IO_list_unlock();
}

void after_fork_in_child() noexcept {
  default_heap.unlock_in_child();
  if (_IO_list_resetlock != nullptr) _IO_list_resetlock();
}

[[gnu::constructor]] void install_fork_handlers() {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace

extern "C" {

void* mem_malloc(size_t size) noexcept { return default_heap.allocate(size, 0); }

void mem_free(void* block) noexcept { default_heap.deallocate(block); }

void* mem_calloc(size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (!mem::checked_mul(count, size, &bytes)) return no_memory();
  return default_heap.allocate_zeroed(bytes);
}

void* mem_realloc(void* block, size_t size) noexcept {
  if (block == nullptr) return mem_malloc(size);
  if (size == 0) {
    mem_free(block);
    return nullptr;
  }
  return default_heap.reallocate(block, size);
}

void* mem_aligned_alloc(size_t align, size_t size) noexcept {
  if (!mem::is_pow2(align)) {
    errno = EINVAL;
    return nullptr;
  }
  return default_heap.allocate(size, align);
}

size_t mem_usable_size(const void* block) noexcept { return default_heap.usable_size(block); }

size_t mem_purge(void) noexcept { return default_heap.purge(); }

mem_stats_t mem_stats(void) noexcept {
  const mem::HeapStats stats = default_heap.stats();
  return {stats.total_allocated_bytes, stats.total_pages, stats.page_size_bytes, stats.live_blocks,
          stats.free_blocks};
}

int mem_check(void) noexcept { return default_heap.check(); }

void* _malloc(size_t size) noexcept { return mem_malloc(size); }
void _free(void* block) noexcept { mem_free(block); }
void* _calloc(size_t count, size_t size) noexcept { return mem_calloc(count, size); }
void* _realloc(void* block, size_t size) noexcept { return mem_realloc(block, size); }

}  // extern "C"
