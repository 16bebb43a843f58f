// `mem`: thread heaps over slabs over runs, with a block heap for medium sizes that are asked for now
// and then. This class knows no thread: each operation is told the thread heap to use, and
// core/allocators/default_heap.h finds it.
//
//   size            where                                                       found again by
//   up to 1 KiB     a slab of the size's bin                                    page map, owner
//   up to 32 KiB    a slab of the bin's exact size if it is hot, else a block   page map, owner or lock
//   beyond          a run of its own                                            page map
//
// allocate, deallocate of slab objects: a few instructions, no lock, no atomic operation, but for
// refills. Blocks: one lock. Runs: another. Lock order: registry, blocks, runs.
// Misuse that is seen (a pointer to no block, the block freed last freed again, a damaged header) ends
// the process through core/os/report.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/alloc/allocator.h"
#include "core/mem/block_heap.h"
#include "core/mem/run_pages.h"
#include "core/mem/slab_heap.h"

namespace mem {

template <AddressSpace Os>
class MemHeap {
 public:
  constexpr MemHeap() noexcept = default;

  // The fast paths, with what is to be called at their ends: slow(...) has all that they leave.
  template <class Slow>
  [[gnu::always_inline]] static void* allocate_or(ThreadHeap& heap, std::size_t size,
                                                  Slow slow) noexcept {
    if (__builtin_expect(size > kMaxSmallBytes, 0)) return slow(size);
    FreeObject*& bin = heap.bins[heap.step_bins[step_of(size)]];
    FreeObject* object = bin;
    if (__builtin_expect(object == nullptr, 0)) return slow(size);
    bin = object->next;
    return object;
  }
  template <class Slow, class Event>
  [[gnu::always_inline]] void deallocate_or(ThreadHeap& heap, void* p, Slow slow,
                                            Event event) noexcept {
    Span* span = runs_.map().find(p);
    if (__builtin_expect(span == nullptr, 0)) return slow(p);
    if (__builtin_expect(span->owner.load(std::memory_order_relaxed) != &heap, 0)) return slow(p);
    auto* object = static_cast<FreeObject*>(p);
    if (__builtin_expect(span->free == object, 0)) return slow(p);
    object->next = span->free;
    span->free = object;
    if (__builtin_expect(--span->need == 0, 0)) return event(span);
  }

  // As core/alloc/allocator.h says, for the thread of `heap`.
  void* allocate(ThreadHeap& heap, std::size_t size) noexcept {
    return allocate_or(heap, size, [&](std::size_t n) { return allocate_slow(heap, n); });
  }
  void deallocate(ThreadHeap& heap, void* p) noexcept {
    deallocate_or(
        heap, p, [&](void* q) { deallocate_slow(heap, q); },
        [&](Span* span) { slabs_.on_event(heap, span); });
  }
  // What allocate_or leaves: empty bins, and all beyond the small sizes.
  void* allocate_slow(ThreadHeap& heap, std::size_t size) noexcept;
  void* allocate_aligned(ThreadHeap& heap, std::size_t size, std::size_t align) noexcept;
  void* allocate_zeroed(ThreadHeap& heap, std::size_t size) noexcept;
  void* reallocate(ThreadHeap& heap, void* p, std::size_t size) noexcept;

  // What deallocate_or leaves: null, everything but the heap's own slab objects, and misuse.
  void deallocate_slow(ThreadHeap& heap, void* p) noexcept;
  void deallocate_remote(void* p) noexcept;  // for who has no thread heap

  std::size_t usable_size(const void* p) noexcept;
  std::size_t purge(ThreadHeap& heap) noexcept;
  int check(ThreadHeap& heap) noexcept;
  HeapStats stats() noexcept;

  SlabHeap<Os>& slabs() noexcept { return slabs_; }
  RunHeap<Os>& runs() noexcept { return runs_; }
  const PageMap& map() const noexcept { return runs_.map(); }

  void lock_for_fork() noexcept;
  void unlock_in_parent() noexcept;
  void unlock_in_child() noexcept;

 private:
  using Blocks = BlockHeap<MediumConfig, RunPages<Os>>;
  // Below it a copy costs less than what moving pages does to the mappings.
  static constexpr std::size_t kMovePages = 64;
  // Each move may leave two more mappings behind, of which a process has 65,530.
  static constexpr std::uint32_t kMaxMoves = 8192;

  void* allocate_medium(ThreadHeap& heap, std::size_t size) noexcept;
  void* allocate_block(std::size_t size, std::size_t align) noexcept;
  void* allocate_large(std::size_t size, std::size_t align, bool zeroed) noexcept;
  void deallocate_large(Span* span, void* p) noexcept;
  void* reallocate_block(ThreadHeap& heap, void* p, std::size_t size) noexcept;
  void* reallocate_large(ThreadHeap& heap, Span* span, void* p, std::size_t size) noexcept;
  void* move(ThreadHeap& heap, void* p, std::size_t usable, std::size_t size) noexcept;
  void count_step(ThreadHeap& heap, std::size_t step) noexcept;
  Span* span_of(const void* p) const noexcept;
  [[noreturn]] void diagnose(const void* p) const noexcept;
  std::byte* start_of(const Span* span) const noexcept {
    return reinterpret_cast<std::byte*>(runs_.map().address_of(span->first_page));
  }

  RunHeap<Os> runs_;
  SlabHeap<Os> slabs_{runs_};
  Mutex block_mutex_;
  Blocks blocks_;
  bool are_blocks_attached_ = false;
  std::atomic<std::uint32_t> moves_{0};
};

}  // namespace mem
