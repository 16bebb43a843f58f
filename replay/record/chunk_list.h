// A list of chunks that threads and processes share: full ones on their way to the recorder, empty
// ones on their way back. The last one in is the first one out, as its lines are still in a cache.
//
// The list's word holds the place of its first chunk; a chunk's first word, its state, that of the
// next. Lock-free; a chunk's word may be read while somebody else takes that chunk, and then the
// count of changes in the list's word tells. Plain words in shared memory, never an allocation.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "replay/record/spool.h"

namespace replay::spool {

// The first word of the chunk at `place`.
inline std::uint64_t* chunk_at(std::byte* chunks, std::uint64_t place) {
  return reinterpret_cast<std::uint64_t*>(chunks + place * kChunkBytes);
}

// A chunk's first word: its state, and 1 + the place of the next one in its list.
inline constexpr int kLinkShift = 8;
constexpr ChunkState state_of(std::uint64_t word) { return static_cast<ChunkState>(word & 0xff); }
constexpr std::uint64_t link_of(std::uint64_t word) { return word >> kLinkShift; }

// A list's word: 1 + the place of its first chunk, 0 if it is empty; above it how often it changed.
using ChunkList = std::atomic<std::uint64_t>;
inline constexpr int kChangesShift = 32;
inline constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kChangesShift) - 1;
constexpr std::uint64_t changed_list(std::uint64_t list, std::uint64_t first) {
  return ((list >> kChangesShift) + 1) << kChangesShift | first;
}

// Whoever pops the chunk finds all that was stored into it. pre: it is in no list.
inline void push_chunk(ChunkList& list, std::byte* chunks, std::uint64_t place, ChunkState state) {
  std::uint64_t head = list.load(std::memory_order_relaxed);
  do {
    const std::uint64_t link = head & kPlaceMask;
    __atomic_store_n(chunk_at(chunks, place), state | link << kLinkShift, __ATOMIC_RELEASE);
  } while (!list.compare_exchange_weak(head, changed_list(head, place + 1),
                                       std::memory_order_acq_rel, std::memory_order_relaxed));
}

// The place of the chunk that was pushed last; it keeps its state.
inline std::optional<std::uint64_t> pop_chunk(ChunkList& list, std::byte* chunks) {
  std::uint64_t head = list.load(std::memory_order_acquire);
  while ((head & kPlaceMask) != 0) {
    const std::uint64_t place = (head & kPlaceMask) - 1;
    const std::uint64_t link = link_of(__atomic_load_n(chunk_at(chunks, place), __ATOMIC_RELAXED));
    if (list.compare_exchange_weak(head, changed_list(head, link), std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      return place;
    }
  }
  return std::nullopt;
}

}  // namespace replay::spool
