// The slab heap: runs cut into objects of one size, each slab owned by one thread heap.
//
// The life of a slab:
//
//   made -> CURRENT --(bin, slab and carving exhausted)--> FULL --first free--> AVAILABLE --+
//              ^                                                                  |   |    |
//              +---------------------(the next current one)----------------------+   |    |
//                                                          last object freed: kept or given back
//
// `need` counts the owner's frees down to the next event: 1 in a full slab, the live objects in an
// available one, out of reach in the current one. So a free is a push and a countdown, and needs to
// know nothing else. While a slab is current, kNoEvent - need is the length of its free list.
//
// Frees by other threads are gathered in their rings and pushed onto the slab's remote list, one
// compare-and-swap a batch. The batch that finds the list empty also pushes the slab onto its owner's
// pending list; the owner collects when a bin runs dry. Objects in a remote list count as live until
// then, so a slab cannot be given back while anybody may still be about to push it.
//
// Operations on a thread heap are for its own thread, or for whoever holds the registry's lock while
// it is an orphan. Lock order: registry, then the run heap's.
//
// Invariants, which check() asserts for a heap at rest (beside those of the run heap):
//   121  A slab's need is what its state asks: the live objects, or 1, or kNoEvent less its frees.
//   122  A free list holds only carved objects of its slab, each once.
//   123  Every slab in a list of the heap has that heap as owner, and its bin.
//   124  An available slab has a free object or one still to be carved.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/lock.h"
#include "core/mem/run_heap.h"
#include "core/mem/thread_heap.h"
#include "core/mem/tuning.h"

namespace mem {

template <AddressSpace Os>
class SlabHeap {
 public:
  explicit constexpr SlabHeap(RunHeap<Os>& runs) noexcept : runs_(runs) {}

  // An object of the bin, when bins[bin] is empty; further ones are put there. nullptr = no memory.
  // pre: object_bytes[bin] != 0.
  FreeObject* refill(ThreadHeap& heap, unsigned bin) noexcept {
    Span* slab = heap.current[bin];
    if (FreeObject* object = slab->free; object != nullptr) {
      slab->free = nullptr;
      slab->need = Span::kNoEvent;
      heap.bins[bin] = object->next;
      return object;
    }
    return refill_slow(heap, bin);
  }

  // The owner's free counted a slab's `need` down to 0.
  void on_event(ThreadHeap& heap, Span* slab) noexcept;

  // A free of an object of somebody else's slab.
  void free_remote(ThreadHeap& heap, Span* slab, FreeObject* object) noexcept;
  // The same at once, for who has no ring.
  void free_remote_now(Span* slab, FreeObject* object) noexcept;
  // Sends what the ring holds.
  void flush(ThreadHeap& heap) noexcept;
  // Takes back what others freed.
  void collect(ThreadHeap& heap) noexcept;

  // Further slabs of a medium bin are for objects of `bytes`; those there are of use no more.
  void set_object_bytes(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept;
  // Gives back what is empty, the current slabs too.
  void release_empty(ThreadHeap& heap) noexcept;

  // A heap for a new thread: an orphan, or a new one; nullptr = no memory.
  ThreadHeap* adopt() noexcept;
  // The end of its thread.
  void abandon(ThreadHeap& heap) noexcept;

  Mutex& registry_mutex() noexcept { return registry_mutex_; }
  // 0, or the first invariant that does not hold. pre: nothing happens to the heap meanwhile.
  int check(ThreadHeap& heap) noexcept;
  // Objects of a slab that are in use, those in its owner's bin and under way to it included.
  static std::size_t live_objects(const Span& slab) noexcept;

 private:
  static constexpr unsigned kCountShift = 48;
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kCountShift) - 1;

  FreeObject* refill_slow(ThreadHeap& heap, unsigned bin) noexcept;
  FreeObject* carve(ThreadHeap& heap, Span* slab) noexcept;
  Span* next_slab(ThreadHeap& heap, unsigned bin) noexcept;
  Span* make_slab(ThreadHeap& heap, unsigned bin) noexcept;
  Span* steal(ThreadHeap& heap, unsigned bin) noexcept;
  void on_empty(ThreadHeap& heap, Span* slab) noexcept;
  void give_back(ThreadHeap& heap, Span* slab) noexcept;
  void put_to_rest(ThreadHeap& heap, unsigned bin) noexcept;
  void count_frees(ThreadHeap& heap, Span* slab, std::uint32_t frees) noexcept;
  void send(RemoteBatch& batch) noexcept;
  ThreadHeap* push_pending(Span* slab) noexcept;
  void collect_if_orphan(ThreadHeap& owner) noexcept;
  void bring_back(ThreadHeap& heap, Span* slab) noexcept;
  std::byte* start_of(const Span* slab) const noexcept {
    return reinterpret_cast<std::byte*>(runs_.map().address_of(slab->first_page));
  }

  RunHeap<Os>& runs_;
  Mutex registry_mutex_;
  ThreadHeap* heaps_ = nullptr;
  std::atomic<ThreadHeap*> orphans_{nullptr};  // written under the registry's lock
};

}  // namespace mem
