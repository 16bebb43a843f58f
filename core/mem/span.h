// A span: what is known of one run of pages in use. It stands apart from the pages, so that nothing
// written past an object reaches it, and a slab's pages hold objects from end to end.
//
//   +0   owner      the thread heap whose slab this is; nullptr for every other kind
//   +8   free       objects that the owner freed, the last one first       (large: bytes requested)
//   +16  remote     objects that other threads freed: count in the top 16 bits, head in the others
//   +24  next       neighbours in a list of the owner's, or the next unused span   (fit: its table)
//   +32  prev
//   +40  pending    next slab in the owner's list of those with remote frees
//   +48  need       frees by the owner until something is to be done       (others: pages)
//   +52  first page in the window
//   +56  capacity, carved: objects that fit, and that were ever handed out   (fit: -, live objects)
//   +60  object size in 16-byte units, and whether the pages were zero when the run was made
//   +62  bin, state
//
// Everything but `remote` and `pending` belongs to the owner; `owner` itself is read by any thread
// that frees.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mem {

class FitTable;
class ThreadHeap;

// A free object of a slab: the link to the next one in its first word.
struct FreeObject {
  FreeObject* next;
};

// One that waits in a bin, and how many do from it on.
struct WaitingObject : FreeObject {
  std::size_t count;
};

enum class SpanState : std::uint8_t {
  kUnused,
  kLarge,    // one block of whole pages
  kWaiting,  // the same, freed, and not yet joined with its neighbours
  kKept,     // the same, freed, and kept by the thread that freed it
  // slabs, and the one other kind that a thread heap owns
  kCurrent,    // allocations of its bin are served from it, and frees to it raise no event
  kFull,       // in no list; an event when the first object is freed
  kAvailable,  // in a list of its bin; an event when it becomes sparse
  kSparse,     // in another list of its bin; an event when the last object is freed
  kOutdated,   // of a size that its bin no longer has; an event when it becomes sparse
  kUnopened,   // the same, sparse, for want of a fit table; an event when the last object is freed
  kFit,        // objects of any size, by a fit table; every free is an event
};

// Whether spans of the state are a thread heap's.
constexpr bool is_owned(SpanState state) noexcept { return state >= SpanState::kCurrent; }

// Where an allocation takes its object from: the current slab of a bin, or objects of the bin that
// were fitted. Known by its list alone, so that the fast path is the same for both.
struct FreeSource {
  std::atomic<ThreadHeap*> owner{nullptr};
  union {
    FreeObject* free = nullptr;
    std::uint64_t requested_bytes;
  };
};

struct alignas(64) Span : FreeSource {
  static constexpr std::uint32_t kNoEvent = std::uint32_t{1} << 31;
  static constexpr unsigned kUnitShift = 4;

  std::atomic<std::uint64_t> remote{0};
  union {
    Span* next = nullptr;
    FitTable* fit;
  };
  Span* prev = nullptr;
  Span* pending = nullptr;
  union {
    std::uint32_t need = 0;
    std::uint32_t run_pages;
  };
  std::uint32_t first_page = 0;
  std::uint16_t capacity = 0;
  std::uint16_t carved = 0;
  std::uint16_t object_units : 15 = 0;
  std::uint16_t is_fresh : 1 = 0;
  std::uint8_t bin = 0;

  constexpr Span() noexcept = default;

  // Whether this is a slab of `heap`, asked by the thread of that heap. Others write `owner` only
  // while it is another heap's, so a plain read cannot be wrong in its answer; an atomic one would
  // cost an instruction, for compilers do not fold it into the comparison.
  bool is_owned_by(const ThreadHeap* heap) const noexcept {
#if defined(__SANITIZE_THREAD__)
    return owner.load(std::memory_order_relaxed) == heap;
#else
    return *reinterpret_cast<ThreadHeap* const*>(&owner) == heap;
#endif
  }
  // Written by the owner, read by any thread that holds an object: release and acquire, so that who
  // sees a fit span also sees its table.
  SpanState state() const noexcept { return state_.load(std::memory_order_acquire); }
  void set_state(SpanState state) noexcept { state_.store(state, std::memory_order_release); }
  bool is_owned() const noexcept { return mem::is_owned(state()); }
  std::size_t object_bytes() const noexcept { return std::size_t{object_units} << kUnitShift; }

 private:
  std::atomic<SpanState> state_{SpanState::kUnused};
};

static_assert(sizeof(Span) == 64);

// A doubly linked list of spans through next and prev. O(1), not thread-safe.
class SpanList {
 public:
  constexpr SpanList() noexcept = default;

  Span* first() const noexcept { return first_; }
  void push(Span* span) noexcept {
    span->prev = nullptr;
    span->next = first_;
    (first_ != nullptr ? first_->prev : last_) = span;
    first_ = span;
  }
  void push_back(Span* span) noexcept {
    span->prev = last_;
    span->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = span;
    last_ = span;
  }
  // pre: span is in this list.
  void remove(Span* span) noexcept {
    (span->next != nullptr ? span->next->prev : last_) = span->prev;
    (span->prev != nullptr ? span->prev->next : first_) = span->next;
  }

 private:
  Span* first_ = nullptr;
  Span* last_ = nullptr;
};

}  // namespace mem
