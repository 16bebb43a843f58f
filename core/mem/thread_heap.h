// A thread heap: what one thread needs to allocate and free without a lock or an atomic operation.
//
//   bins[b] -> object -> object -> 0        taken from current[b], to be handed out
//   current[b] -> slab: free -> object ...  freed since; taken over as a whole when bins[b] is empty
//   available[b] -> slab <-> slab           have free objects, or were never carved to the end
//   kept[b] -> slab                         empty, kept for the next need
//   pending -> slab -> slab                 slabs that others freed objects of (any thread pushes)
//   ring[16]                                objects of other heaps' slabs, freed here, not yet sent
//
// A slab that is full is in none of them: its next free brings it back. Thread heaps are never
// destroyed: when its thread ends a heap waits, at rest, for the next one (thread_registry.h).
// Everything but `pending` and `is_orphan` belongs to the thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/mem/size_class.h"
#include "core/mem/span.h"

namespace mem {

// Stands for "no slab" in `current`: nothing is ever free in it. Never written.
inline constinit Span no_slab;

// Frees of other heaps' objects, gathered by slab so that one atomic operation sends many.
struct RemoteBatch {
  Span* slab = nullptr;
  FreeObject* head = nullptr;
  FreeObject* tail = nullptr;
  std::uint32_t count = 0;
};

class ThreadHeap {
 public:
  static constexpr std::size_t kRingSlots = 16;

  FreeObject* bins[kBins] = {};
  std::uint8_t step_bins[kSteps];  // the bin of each small step
  std::uint8_t step_uses[kSteps] = {};
  std::uint8_t cold_uses[kMediumBins] = {};
  std::uint8_t slab_counts[kBins] = {};  // slabs of a bin now, as far as it counts for their size
  std::uint16_t object_bytes[kBins];     // of a bin's next slab; 0 = the bin has none
  std::uint16_t largest[kMediumBins] = {};
  Span* current[kBins];
  SpanList available[kBins];
  Span* kept[kBins] = {};
  RemoteBatch ring[kRingSlots] = {};
  std::uint32_t cold_total = 0;
  ThreadHeap* next_heap = nullptr;    // all heaps ever made
  ThreadHeap* next_orphan = nullptr;  // those whose thread has ended
  alignas(64) std::atomic<Span*> pending{nullptr};
  std::atomic<bool> is_orphan{false};

  constexpr ThreadHeap() noexcept {
    for (unsigned step = 0; step < kSteps; ++step) step_bins[step] = kSharedBins[step];
    for (unsigned bin = 0; bin < kBins; ++bin) {
      current[bin] = &no_slab;
      object_bytes[bin] = bin < kFirstMediumBin ? static_cast<std::uint16_t>(bin_bytes(bin)) : 0;
    }
  }
};

}  // namespace mem
