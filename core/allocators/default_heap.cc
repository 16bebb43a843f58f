#include "core/allocators/default_heap.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/allocators/named_heaps.h"

namespace mem {
namespace {

// Its bins are empty and stay so.
constinit ThreadHeap no_heap;

// The thread's heap was given up; what comes now is late.
[[gnu::tls_model("initial-exec")]] constinit __thread bool is_late = false;

constinit Mutex key_mutex;
constinit bool has_key = false;
constinit pthread_key_t exit_key{};

constinit Mutex late_mutex;
constinit ThreadHeap* late_heap = nullptr;

void leave_thread(void* heap) noexcept {
  thread_heap = &no_heap;
  is_late = true;
  mem_heap.slabs().abandon(*static_cast<ThreadHeap*>(heap));
}

// Without a key the heap is simply lost when its thread ends.
void watch_exit(ThreadHeap* heap) noexcept {
  {
    const LockGuard guard(key_mutex);
    if (!has_key) has_key = pthread_key_create(&exit_key, leave_thread) == 0;
    if (!has_key) return;
  }
  pthread_setspecific(exit_key, heap);  // may allocate, and can: the thread has its heap
}

// The calling thread's heap; nullptr = it is late, or there is no memory for one.
ThreadHeap* own_heap() noexcept {
  if (thread_heap != &no_heap) return thread_heap;
  if (is_late) return nullptr;
  ThreadHeap* heap = mem_heap.slabs().adopt();
  if (heap == nullptr) return nullptr;
  thread_heap = heap;
  const int saved_errno = errno;
  watch_exit(heap);
  errno = saved_errno;
  return heap;
}

// operation(heap) with the thread's heap, or with the late one under its lock, whose frees nobody
// else would send; `otherwise` if there is no memory for either.
template <class Result, class Operation>
Result with_heap(Result otherwise, Operation operation) noexcept {
  if (ThreadHeap* heap = own_heap(); heap != nullptr) return operation(*heap);
  const LockGuard guard(late_mutex);
  if (late_heap == nullptr) late_heap = mem_heap.slabs().adopt();
  if (late_heap == nullptr) return otherwise;
  const Result result = operation(*late_heap);
  mem_heap.slabs().flush(*late_heap);
  return result;
}

void* or_enomem(void* p) noexcept {
  if (p == nullptr) errno = ENOMEM;
  return p;
}

}  // namespace

[[gnu::tls_model("initial-exec")]] constinit __thread ThreadHeap* thread_heap = &no_heap;
constinit MemHeap<LinuxPages> mem_heap;
constinit DefaultHeap default_heap;

void* DefaultHeap::allocate_slow(std::size_t size) noexcept {
  return MemHeap<LinuxPages>::allocate_medium_or(*thread_heap, size, allocate_slower);
}

void* DefaultHeap::allocate_slower(std::size_t size) noexcept {
  if (thread_heap != &no_heap) return or_enomem(mem_heap.allocate_slow(*thread_heap, size));
  void* none = nullptr;
  return or_enomem(
      with_heap(none, [&](ThreadHeap& heap) { return mem_heap.allocate(heap, size); }));
}

void* DefaultHeap::allocate_aligned(std::size_t size, std::size_t align) noexcept {
  return MemHeap<LinuxPages>::allocate_aligned_or(*thread_heap, size, align, allocate_aligned_slow);
}

void* DefaultHeap::allocate_aligned_slow(std::size_t size, std::size_t align) noexcept {
  void* none = nullptr;
  return or_enomem(with_heap(
      none, [&](ThreadHeap& heap) { return mem_heap.allocate_aligned(heap, size, align); }));
}

void* DefaultHeap::allocate_zeroed(std::size_t size) noexcept {
  void* p = MemHeap<LinuxPages>::allocate_or(*thread_heap, size,
                                             [](std::size_t) -> void* { return nullptr; });
  return p != nullptr ? memset(p, 0, size) : allocate_zeroed_slow(size);
}

void* DefaultHeap::allocate_zeroed_slow(std::size_t size) noexcept {
  void* none = nullptr;
  return or_enomem(
      with_heap(none, [&](ThreadHeap& heap) { return mem_heap.allocate_zeroed(heap, size); }));
}

void* DefaultHeap::reallocate(void* p, std::size_t size) noexcept {
  return mem_heap.reallocate_or(*thread_heap, p, size, reallocate_slow, reallocate_fit, on_event);
}

void* DefaultHeap::reallocate_slow(void* p, std::size_t size) noexcept {
  void* none = nullptr;
  return or_enomem(
      with_heap(none, [&](ThreadHeap& heap) { return mem_heap.reallocate(heap, p, size); }));
}

void* DefaultHeap::reallocate_fit(Span* span, void* p, std::size_t size) noexcept {
  return or_enomem(mem_heap.reallocate_fit(*thread_heap, span, p, size));
}

// A free needs no heap of the thread's own: a thread that only frees, or is late, sends each object
// to its owner.
void DefaultHeap::deallocate_slow(void* p) noexcept {
  if (thread_heap != &no_heap) {
    mem_heap.deallocate_slow(*thread_heap, p);
  } else {
    mem_heap.deallocate_remote(p);
  }
}

void DefaultHeap::on_event(Span* slab) noexcept { mem_heap.slabs().on_event(*thread_heap, slab); }

std::size_t DefaultHeap::purge() noexcept {
  return with_heap(std::size_t{0}, [](ThreadHeap& heap) { return mem_heap.purge(heap); });
}

HeapStats DefaultHeap::stats() const noexcept {
  return with_heap(HeapStats{}, [](ThreadHeap& heap) { return mem_heap.stats(heap); });
}

MemStats DefaultHeap::detailed_stats() const noexcept {
  return with_heap(MemStats{}, [](ThreadHeap& heap) { return mem_heap.detailed_stats(heap); });
}

int DefaultHeap::check() noexcept {
  return with_heap(0, [](ThreadHeap& heap) { return mem_heap.check(heap); });
}

void DefaultHeap::lock_for_fork() noexcept {
  key_mutex.lock();
  late_mutex.lock();
  mem_heap.lock_for_fork();
}

void DefaultHeap::unlock_in_parent() noexcept {
  mem_heap.unlock_in_parent();
  late_mutex.unlock();
  key_mutex.unlock();
}

void DefaultHeap::unlock_in_child() noexcept {
  mem_heap.unlock_in_child();
  late_mutex.reset_after_fork();
  key_mutex.reset_after_fork();
}

}  // namespace mem
