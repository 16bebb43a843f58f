// The slab heap: runs cut into objects, each run owned by one thread heap. A bin that is asked for
// much has slabs of one size; other objects are fitted between each other in fit spans.
//
//   made -> CURRENT --(bin, slab and carving exhausted)--> FULL --> AVAILABLE --> SPARSE --> empty
//              ^                                                        |           |
//              +------------------(the next current one)---------------+-----------+--> FIT
//
// `need` counts the owner's frees down to the next event: 1 in a full slab, what keeps an available
// one from being sparse, the live objects in a sparse one, out of reach in the current one. So a
// free is a push and a countdown, and knows nothing else. In a fit span need is always 1.
//
// Holes before fresh pages: when a bin is out of slabs, the heap's sparse slabs are opened, which
// is to give them a fit table, and the bin takes rows of objects out of their gaps. So memory that
// one size left serves all others, as in a heap of boundary tags, and only a heap without holes
// grows.
//
// After the peak: in a heap of which more than half are holes, pages that lie in holes as a whole
// are given back to the kernel, and the slabs that were kept, by the clock, and whenever what lives
// has halved since.
//
// Frees by other threads are gathered in their rings and pushed onto the span's remote list, one
// compare-and-swap a batch. The batch that finds the list empty also pushes the span onto its
// owner's pending list; the owner collects when a bin runs dry. Objects in a remote list count as
// live until then, so a span cannot be given back while anybody may still be about to push it.
//
// Operations on a thread heap are for its own thread, or for whoever holds the registry's lock
// while it is an orphan. Lock order: registry, then the run heap's.
//
// Invariants, which check() asserts for a heap at rest (beside those of the run heap):
//   121  A slab's need is what its state asks for.
//   122  A free list holds only carved objects of its slab.
//   123  Every span in a list of the heap has that heap as owner, its bin, and the list's state.
//   124  An available or sparse slab has a free object or one still to be carved.
//   125  No gap of a fit table is larger than the table says.
//   126  A fit table counts its free granules right, and none of them ends an object.
//   127  The summaries of a fit table are those of its bits.
//   128  Pages of a fit table that were given back are free as a whole.
//   129  No gap lies before the hint for its size.
//   130  Each object that waits in a bin says how many do from it on.
//   131  The large block that a thread keeps is of state kKept, and of few pages.
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

  // An object of the bin, when bins[bin] has none; further ones will be there. nullptr = no memory.
  // pre: object_bytes[bin] != 0.
  FreeObject* refill(ThreadHeap& heap, unsigned bin) noexcept {
    if (heap.current[bin]->free != nullptr) return take_from(heap, bin, heap.current[bin]);
    if (heap.loose[bin].free != nullptr) return take_from(heap, bin, &heap.loose[bin]);
    heap.forget_cached(bin);
    return refill_slow(heap, bin);
  }

  // The owner's free counted a span's `need` down to 0.
  void on_event(ThreadHeap& heap, Span* span) noexcept;

  // `bytes` between other objects, at a multiple of `align`; nullptr = no memory.
  // pre: bytes <= kMaxMediumBytes, align < the page size.
  void* allocate_fit(ThreadHeap& heap, std::size_t bytes, std::size_t align) noexcept;
  // An object of a fit span: its first granule, and how many it has.
  struct Fitted {
    std::size_t first;
    std::size_t count;
  };
  // The object of a fit span of this heap that starts at p. Ends the process if none lives there.
  Fitted require_live(const ThreadHeap& heap, const Span* span, const void* p) const noexcept;
  // Resizes it where it is: to `roomy` bytes, or if they have no room to `bytes`; false = nor have
  // these.
  bool resize_fit(ThreadHeap& heap, Span* span, Fitted object, std::size_t bytes,
                  std::size_t roomy) noexcept;
  // Bytes of an object of an owned span; any thread.
  std::size_t object_size(const Span* span, const void* p) const noexcept;

  // A free of an object of somebody else's slab.
  void free_remote(ThreadHeap& heap, Span* slab, FreeObject* object) noexcept;
  // The same at once, for who has no ring.
  void free_remote_now(Span* slab, FreeObject* object) noexcept;
  // Sends what the ring holds.
  void flush(ThreadHeap& heap) noexcept;
  // Takes back what others freed. For the heap's thread.
  void collect(ThreadHeap& heap) noexcept;

  // A bin has slabs from now on, with objects of `bytes`; those there are of use no more.
  void set_object_bytes(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept;
  // Gives back what is empty, the current slabs too.
  void release_empty(ThreadHeap& heap) noexcept;
  // Gives back the large block that the thread kept, if any.
  void give_back_kept_run(ThreadHeap& heap) noexcept;
  // Gives back the pages that lie in holes, in those of sparse slabs too; returns their bytes.
  std::size_t trim_holes(ThreadHeap& heap) noexcept;

  // Gives back what holds nothing of the heaps whose threads have ended.
  void purge_orphans() noexcept;

  // A heap for a new thread: an orphan, or a new one; nullptr = no memory.
  ThreadHeap* adopt() noexcept;
  // The end of its thread.
  void abandon(ThreadHeap& heap) noexcept;

  Mutex& registry_mutex() noexcept { return registry_mutex_; }
  // 0, or the first invariant that does not hold. pre: nothing happens to the heap meanwhile.
  int check(ThreadHeap& heap) noexcept;
  // Objects of a span that are in use, those in its owner's bin and under way to it included.
  static std::uint32_t live_objects(const Span& span) noexcept {
    return live_objects(span, span.state());
  }
  // The same of a state that it had. Another heap's current slab must not be asked for.
  static std::uint32_t live_objects(const Span& span, SpanState state) noexcept;

 private:
  static constexpr unsigned kCountShift = 48;
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kCountShift) - 1;

  // slabs
  // pre: the source has an object.
  static FreeObject* take_from(ThreadHeap& heap, unsigned bin, FreeSource* source) noexcept {
    FreeObject* object = source->free;
    source->free = object->next;
    heap.bins[bin] = source;
    return object;
  }
  FreeObject* refill_slow(ThreadHeap& heap, unsigned bin) noexcept;
  FreeObject* carve(ThreadHeap& heap, Span* slab) noexcept;
  Span* reuse_slab(ThreadHeap& heap, unsigned bin) noexcept;
  Span* allocate_run(ThreadHeap& heap, std::size_t pages) noexcept;
  Span* make_slab(ThreadHeap& heap, unsigned bin) noexcept;
  void move_on(ThreadHeap& heap, Span* slab) noexcept;
  void settle(ThreadHeap& heap, Span* slab, std::uint32_t live) noexcept;
  void settle_outdated(ThreadHeap& heap, Span* slab, std::uint32_t live) noexcept;
  void unlist(ThreadHeap& heap, Span* slab) noexcept;
  void on_empty(ThreadHeap& heap, Span* slab) noexcept;
  static Span* take_kept(ThreadHeap& heap, unsigned bin) noexcept;
  static void uncount(ThreadHeap& heap, const Span& slab) noexcept;
  void give_back(ThreadHeap& heap, Span* slab) noexcept;
  void give_back_kept(ThreadHeap& heap) noexcept;
  void rest_idle_bins_if_grown(ThreadHeap& heap) noexcept;
  static void note_rise(ThreadHeap& heap) noexcept;
  void rest_bins_if_fallen(ThreadHeap& heap) noexcept;
  void put_to_rest(ThreadHeap& heap, unsigned bin) noexcept;
  static std::uint32_t sparse_at(const Span& slab) noexcept;
  static void count_sparse(ThreadHeap& heap, const Span& slab, bool enters) noexcept;

  // fit spans
  static std::size_t holes_of(const FitArea& area) noexcept;
  static std::size_t in_use(const ThreadHeap& heap) noexcept;
  FreeObject* fill_from_holes(ThreadHeap& heap, unsigned bin) noexcept;
  FreeObject* take_row(ThreadHeap& heap, unsigned bin, std::size_t size,
                       std::size_t count) noexcept;
  static FitArea& area_of(ThreadHeap& heap, std::size_t granules) noexcept;
  static FitLists::Gap find_gap(ThreadHeap& heap, std::size_t granules) noexcept;
  bool open_sparse(ThreadHeap& heap, std::size_t granules) noexcept;
  bool open_listed(ThreadHeap& heap, Span* slab) noexcept;
  void open_slab(ThreadHeap& heap, Span* slab, std::uint32_t live, FitTable* table) noexcept;
  FitLists::Gap grow_fit(ThreadHeap& heap, FitArea& area, std::size_t count) noexcept;
  FitTable* make_fit(ThreadHeap& heap) noexcept;
  void drop_fit(ThreadHeap& heap, FitTable* table) noexcept;
  FitTable* take_table(ThreadHeap& heap) noexcept;
  std::size_t require_start(const Span* span, const FreeObject* object) const noexcept;
  [[noreturn]] void report_no_start(const Span* span, const FreeObject* object,
                                    bool is_at_granule) const noexcept;
  void on_fit_free(ThreadHeap& heap, Span* span) noexcept;
  void discard_holes_if_due(ThreadHeap& heap) noexcept;
  std::size_t discard_holes(ThreadHeap& heap) noexcept;
  void release_fit(ThreadHeap& heap, Span* span) noexcept;
  void release_object(ThreadHeap& heap, Span* span, std::size_t first, std::size_t count) noexcept;
  static unsigned bin_of_granules(std::size_t granules) noexcept;
  static constexpr std::size_t granules_of(std::size_t bytes) noexcept {
    return (bytes + FitTable::kGranuleBytes - 1) / FitTable::kGranuleBytes;
  }
  std::size_t granule_of(const Span* span, const void* p) const noexcept {
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - start_of(span)) /
           FitTable::kGranuleBytes;
  }

  // objects that wait in their bin
  static std::size_t waiting(const ThreadHeap& heap, unsigned bin) noexcept {
    const auto* first = static_cast<const WaitingObject*>(heap.loose[bin].free);
    return first != nullptr ? first->count : 0;
  }
  static void wait(ThreadHeap& heap, unsigned bin, FreeObject* object) noexcept;
  static bool is_wanted(const ThreadHeap& heap, unsigned bin, std::size_t granules) noexcept;
  static bool let_wait(ThreadHeap& heap, Span* slab) noexcept;
  static bool are_counted(const ThreadHeap& heap, unsigned bin) noexcept;
  static void require_uncached(const ThreadHeap& heap, unsigned bin,
                               const FreeObject* object) noexcept;

  // threads
  Span* steal(ThreadHeap& heap, unsigned bin) noexcept;
  void count_frees(ThreadHeap& heap, Span* span, std::uint32_t frees) noexcept;
  void send(RemoteBatch& batch) noexcept;
  ThreadHeap* push_pending(Span* span) noexcept;
  void collect_if_orphan(ThreadHeap& owner) noexcept;
  void collect_orphan(ThreadHeap& owner) noexcept;
  template <class PassOn>
  void collect_pending(ThreadHeap& heap, PassOn pass_on) noexcept;

  std::byte* start_of(const Span* span) const noexcept {
    return reinterpret_cast<std::byte*>(runs_.map().address_of(span->first_page));
  }

  RunHeap<Os>& runs_;
  Mutex registry_mutex_;
  std::atomic<ThreadHeap*> orphans_{nullptr};  // written under the registry's lock
};

}  // namespace mem
