// `mem` as a process has it: the one heap, and for each thread the thread heap that it uses. An
// Allocator with every capability; out of memory also sets errno to ENOMEM.
//
// A thread starts with a heap whose bins are all empty and stay so; its first call that finds one
// empty gets it a heap of its own. So there is no test for "initialised" on the fast paths. When
// the thread ends its heap waits for the next thread; what it still does afterwards, in destructors
// that run later, is served from one heap that all such late calls share under a lock.
//
// Safe from any thread, before any constructor and after any destructor. Costs: mem_heap.h.
#pragma once

#include <cstddef>

#include "core/alloc/allocator.h"
#include "core/mem/mem_heap.h"
#include "core/os/linux_pages.h"

namespace mem {

extern template class RunHeap<LinuxPages>;
extern template class SlabHeap<LinuxPages>;
extern template class MemHeap<LinuxPages>;

// Initial-exec: two instructions, and no call that could allocate.
[[gnu::visibility("hidden"),
  gnu::tls_model("initial-exec")]] extern __thread ThreadHeap* thread_heap;
[[gnu::visibility("hidden")]] extern MemHeap<LinuxPages> mem_heap;

class DefaultHeap {
 public:
  constexpr DefaultHeap() noexcept = default;

  [[gnu::always_inline]] void* allocate(std::size_t size, std::size_t align) noexcept {
    if (align > kDefaultAlign) return allocate_aligned(size, align);
    return mem_heap.allocate_or(*thread_heap, size, allocate_slow);
  }
  // The same if there is an object at hand; nullptr = there is none, and errno stays as it is.
  [[gnu::always_inline]] static void* take(std::size_t size, std::size_t align) noexcept {
    const auto none = [](auto...) -> void* { return nullptr; };
    ThreadHeap& heap = *thread_heap;
    if (align > kDefaultAlign) return mem_heap.allocate_aligned_or(heap, size, align, none);
    return mem_heap.allocate_or(
        heap, size, [&](std::size_t n) { return mem_heap.allocate_medium_or(heap, n, none); });
  }
  [[gnu::always_inline]] void deallocate(void* p) noexcept {
    mem_heap.deallocate_or(*thread_heap, p, deallocate_slow, on_event);
  }
  void* allocate_zeroed(std::size_t size) noexcept;
  void* reallocate(void* p, std::size_t size) noexcept;
  std::size_t usable_size(const void* p) noexcept { return mem_heap.usable_size(p); }
  std::size_t purge() noexcept;
  int check() noexcept;
  HeapStats stats() const noexcept;
  MemStats detailed_stats() const noexcept;

  void lock_for_fork() noexcept;
  void unlock_in_parent() noexcept;
  void unlock_in_child() noexcept;

 private:
  static void* allocate_slow(std::size_t size) noexcept;
  static void* allocate_slower(std::size_t size) noexcept;
  static void* allocate_zeroed_slow(std::size_t size) noexcept;
  static void* allocate_aligned(std::size_t size, std::size_t align) noexcept;
  static void* allocate_aligned_slow(std::size_t size, std::size_t align) noexcept;
  static void* reallocate_slow(void* p, std::size_t size) noexcept;
  static void* reallocate_fit(Span* span, void* p, std::size_t size) noexcept;
  static void deallocate_slow(void* p) noexcept;
  static void on_event(Span* slab) noexcept;
};

}  // namespace mem
