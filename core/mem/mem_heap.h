// `mem`: thread heaps over owned spans over runs. This class knows no thread: each operation is
// told the thread heap to use, and core/allocators/default_heap.h finds it.
//
//   size            where
//   up to 32 KiB    a slab of its size, if its bin is asked for enough; else fitted between others
//   beyond          a run of its own
//
// All are found again by the page map. allocate, deallocate of slab objects: a few instructions, no
// lock, no atomic operation, but for refills. Fitted objects: some 50 ns, no lock. Runs: one lock.
// Misuse that is seen (a pointer to no object, the object freed last freed again) ends the process
// through core/os/report.h.
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>

#include "core/alloc/allocator.h"
#include "core/base/bits.h"
#include "core/mem/slab_heap.h"
#include "core/mem/stats.h"

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
    FreeSource* source = heap.bins[small_bin(size)];
    FreeObject* object = source->free;
    if (__builtin_expect(object == nullptr, 0)) return slow(size);
    source->free = object->next;
    return object;
  }
  // The same beyond the small sizes, where a bin's slabs may hold less than is asked for.
  template <class Slow>
  [[gnu::always_inline]] static void* allocate_medium_or(ThreadHeap& heap, std::size_t size,
                                                         Slow slow) noexcept {
    if (size - kMaxSmallBytes - 1 >= kMaxMediumBytes - kMaxSmallBytes) return slow(size);
    const unsigned bin = medium_bin(size);
    if (size > heap.object_bytes[bin]) return slow(size);
    FreeSource* source = heap.bins[bin];
    FreeObject* object = source->free;
    if (object == nullptr) return slow(size);
    source->free = object->next;
    return object;
  }
  // Of an alignment beyond 16 bytes: the last object that was freed of the size rounded up to it,
  // if that is aligned, as each object of a slab is. pre: align is a power of two.
  template <class Slow>
  [[gnu::always_inline]] static void* allocate_aligned_or(ThreadHeap& heap, std::size_t size,
                                                          std::size_t align, Slow slow) noexcept {
    const std::size_t rounded = align_up(size, align);  // of what would overflow: 0
    if (rounded - 1 >= kMaxSmallBytes || rounded - size >= kMaxAlignLoss) return slow(size, align);
    FreeSource* source = heap.bins[rounded / kStepBytes];
    FreeObject* object = source->free;
    if (object == nullptr) return slow(size, align);
    if (!is_aligned(reinterpret_cast<std::uintptr_t>(object), align)) return slow(size, align);
    source->free = object->next;
    return object;
  }
  // Between small objects of the heap's own slabs; `fit` gets what is fitted, with its span.
  template <class Slow, class Fit, class Event>
  [[gnu::always_inline]] void* reallocate_or(ThreadHeap& heap, void* p, std::size_t size, Slow slow,
                                             Fit fit, Event event) noexcept {
    Span* span = runs_.map().find(p);
    if (span == nullptr || !span->is_owned_by(&heap)) return slow(p, size);
    auto* old = static_cast<FreeObject*>(p);
    if (span->state() == SpanState::kFit) return fit(span, p, size);
    if (span->free == old) return slow(p, size);
    const std::size_t usable = span->object_bytes();
    if (stays(size, usable)) return p;
    const std::size_t roomy = with_room(size, usable);
    if (roomy > kMaxSmallBytes) return slow(p, size);
    FreeSource* source = heap.bins[small_bin(roomy)];
    FreeObject* object = source->free;
    if (object == nullptr) return slow(p, size);
    source->free = object->next;
    memcpy(static_cast<void*>(object), p, size < usable ? size : usable);
    old->next = span->free;
    span->free = old;
    if (__builtin_expect(--span->need == 0, 0)) event(span);
    return object;
  }
  template <class Slow, class Event>
  [[gnu::always_inline]] void deallocate_or(ThreadHeap& heap, void* p, Slow slow,
                                            Event event) noexcept {
    Span* span = runs_.map().find(p);
    if (__builtin_expect(span == nullptr, 0)) return slow(p);
    if (__builtin_expect(!span->is_owned_by(&heap), 0)) return slow(p);
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
  // pre: `span` is the heap's, of fitted objects, and `p` in it.
  void* reallocate_fit(ThreadHeap& heap, Span* span, void* p, std::size_t size) noexcept;

  // What deallocate_or leaves: null, everything but the heap's own slab objects, and misuse.
  void deallocate_slow(ThreadHeap& heap, void* p) noexcept;
  void deallocate_remote(void* p) noexcept;  // for who has no thread heap

  std::size_t usable_size(const void* p) noexcept;
  std::size_t purge(ThreadHeap& heap) noexcept;
  int check(ThreadHeap& heap) noexcept;
  HeapStats stats(const ThreadHeap& heap) noexcept;
  MemStats detailed_stats(const ThreadHeap& heap) noexcept;

  SlabHeap<Os>& slabs() noexcept { return slabs_; }
  RunHeap<Os>& runs() noexcept { return runs_; }
  const PageMap& map() const noexcept { return runs_.map(); }

  void lock_for_fork() noexcept;
  void unlock_in_parent() noexcept;
  void unlock_in_child() noexcept;

 private:
  // Below it a copy costs less than what moving pages does to the mappings.
  static constexpr std::size_t kMovePages = 64;
  // Above it moving pages is cheaper even if they have to be faulted in again later.
  static constexpr std::size_t kCopyPages = 8192;
  // Each move may leave two more mappings behind, of which a process has 65,530.
  static constexpr std::uint32_t kMaxMoves = 8192;
  // Above it an aligned block is fitted, where what it does not need serves others.
  static constexpr std::size_t kMaxAlignLoss = 64;

  // An object of a slab stays where it is unless more than half of it would be left unused.
  static constexpr bool stays(std::size_t size, std::size_t usable) noexcept {
    return size <= usable && (size > usable / 2 || usable <= 2 * kStepBytes);
  }
  // What to ask for: what grows by a little is likely to grow again, and gets the room that size
  // classes would leave it.
  static constexpr std::size_t with_room(std::size_t size, std::size_t usable) noexcept {
    const bool is_growing = size > usable && size <= usable + usable / 4;
    const std::size_t roomy = size + size / 8;
    return is_growing && roomy <= kMaxMediumBytes ? roomy : size;
  }

  FreeObject* allocate_hot(ThreadHeap& heap, unsigned bin) noexcept;
  void* allocate_cold(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept;
  bool gets_slabs(ThreadHeap& heap, unsigned bin, std::size_t bytes, bool is_hot) noexcept;
  void* allocate_aligned_slab(ThreadHeap& heap, std::size_t bytes, std::size_t align) noexcept;
  static constexpr std::size_t pages_for(std::size_t bytes) noexcept {
    return (bytes + kPageBytes - 1) / kPageBytes;
  }
  void* allocate_large(ThreadHeap& heap, std::size_t size, std::size_t align, bool zeroed) noexcept;
  static Span* take_kept_run(ThreadHeap& heap, std::size_t pages) noexcept;
  void* reallocate_owned(ThreadHeap& heap, Span* span, void* p, std::size_t size) noexcept;
  void* reallocate_large(ThreadHeap& heap, Span* span, void* p, std::size_t size) noexcept;
  void* move(ThreadHeap& heap, void* p, std::size_t usable, std::size_t size) noexcept;
  void* move_with_room(ThreadHeap& heap, void* p, std::size_t usable, std::size_t size) noexcept;
  void free_large(ThreadHeap& heap, Span* span, const void* p) noexcept;
  Span* span_of(const void* p) const noexcept;
  void require_live_large(const Span* span, const void* p) const noexcept;
  [[noreturn]] void diagnose(const void* p) const noexcept;
  std::byte* start_of(const Span* span) const noexcept {
    return reinterpret_cast<std::byte*>(runs_.map().address_of(span->first_page));
  }

  RunHeap<Os> runs_;
  SlabHeap<Os> slabs_{runs_};
  std::atomic<std::uint32_t> moves_{0};
};

}  // namespace mem
