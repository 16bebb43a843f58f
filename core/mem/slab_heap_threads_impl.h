// What SlabHeap does between threads, for the one file that instantiates it.
#pragma once

#include "core/mem/slab_heap.h"
#include "core/mem/slab_layout.h"
#include "core/os/report.h"

namespace mem {

// --- frees by others ----------------------------------------------------------------------------

template <AddressSpace Os>
void SlabHeap<Os>::free_remote(ThreadHeap& heap, Span* slab, FreeObject* object) noexcept {
  // Spans are 64 bytes apart, so these bits tell slabs that were made one after the other apart.
  const auto hash = reinterpret_cast<std::uintptr_t>(slab) / sizeof(Span);
  RemoteBatch& batch = heap.ring[hash % ThreadHeap::kRingSlots];
  if (batch.slab != slab) {
    if (batch.slab != nullptr) send(batch);
    object->next = nullptr;
    batch = RemoteBatch{slab, object, object, 1};
  } else {
    if (batch.head == object) report_double_free(object);
    object->next = batch.head;
    batch.head = object;
    ++batch.count;
  }
  if (batch.count >= tuning::kBatchObjects ||
      batch.count * slab->object_bytes() >= tuning::kBatchBytes) {
    send(batch);
    batch.slab = nullptr;
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::free_remote_now(Span* slab, FreeObject* object) noexcept {
  object->next = nullptr;
  RemoteBatch batch{slab, object, object, 1};
  send(batch);
}

template <AddressSpace Os>
void SlabHeap<Os>::flush(ThreadHeap& heap) noexcept {
  for (RemoteBatch& batch : heap.ring) {
    if (batch.slab != nullptr) send(batch);
    batch.slab = nullptr;
  }
}

// release: the owner's acquire in collect() sees the objects' links. acquire: who finds the list
// empty may write `pending`, which the owner has read before it emptied the list.
template <AddressSpace Os>
void SlabHeap<Os>::send(RemoteBatch& batch) noexcept {
  Span* slab = batch.slab;
  std::uint64_t old = slab->remote.load(std::memory_order_relaxed);
  std::uint64_t sum = 0;
  do {
    auto* last = reinterpret_cast<FreeObject*>(old & kAddressMask);
    if (last == batch.tail) report_double_free(last);
    batch.tail->next = last;
    sum = ((old >> kCountShift) + batch.count) << kCountShift |
          reinterpret_cast<std::uintptr_t>(batch.head);
  } while (!slab->remote.compare_exchange_weak(old, sum, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
  if (old == 0) collect_if_orphan(*push_pending(slab));
}

// The slab's owner may change at any time, from an orphan to who steals from it; whoever finds a
// slab in its list that is not its own passes it on. seq_cst, here and where a thread ends: of a
// pusher and a thread that ends at the same time, at least one sees what the other did.
template <AddressSpace Os>
ThreadHeap* SlabHeap<Os>::push_pending(Span* slab) noexcept {
  ThreadHeap* owner = slab->owner.load(std::memory_order_relaxed);
  Span* first = owner->pending.load(std::memory_order_relaxed);
  do {
    slab->pending = first;
  } while (!owner->pending.compare_exchange_weak(first, slab, std::memory_order_seq_cst,
                                                 std::memory_order_relaxed));
  return owner;
}

// No thread will collect for an orphan, so whoever sends to one does.
template <AddressSpace Os>
void SlabHeap<Os>::collect_if_orphan(ThreadHeap& owner) noexcept {
  if (!owner.is_orphan.load(std::memory_order_seq_cst)) return;
  const LockGuard guard(registry_mutex_);
  if (owner.is_orphan.load(std::memory_order_relaxed)) collect_orphan(owner);
}

template <AddressSpace Os>
void SlabHeap<Os>::collect(ThreadHeap& heap) noexcept {
  collect_pending(heap, [&](Span* slab) { collect_if_orphan(*push_pending(slab)); });
}

// The same of an orphan. pre: the registry's lock is held.
template <AddressSpace Os>
void SlabHeap<Os>::collect_orphan(ThreadHeap& heap) noexcept {
  collect_pending(heap, [&](Span* slab) {
    ThreadHeap* owner = push_pending(slab);
    if (owner->is_orphan.load(std::memory_order_seq_cst)) collect_orphan(*owner);
  });
}

template <AddressSpace Os>
template <class PassOn>
void SlabHeap<Os>::collect_pending(ThreadHeap& heap, PassOn pass_on) noexcept {
  Span* slab = heap.pending.exchange(nullptr, std::memory_order_seq_cst);
  while (slab != nullptr) {
    Span* next = slab->pending;  // read first: once remote is empty, others may push the slab again
    if (slab->owner.load(std::memory_order_relaxed) != &heap) {
      pass_on(slab);
    } else {
      const std::uint64_t remote = slab->remote.exchange(0, std::memory_order_acq_rel);
      auto* head = reinterpret_cast<FreeObject*>(remote & kAddressMask);
      if (slab->free != nullptr) {  // else there is no need to touch what another core has written
        FreeObject* tail = head;
        while (tail->next != nullptr) tail = tail->next;
        tail->next = slab->free;
      }
      slab->free = head;
      count_frees(heap, slab, static_cast<std::uint32_t>(remote >> kCountShift));
    }
    slab = next;
  }
}

// Counts frees of others that have just been taken into the span's list; many at once may pass
// several events.
template <AddressSpace Os>
void SlabHeap<Os>::count_frees(ThreadHeap& heap, Span* span, std::uint32_t frees) noexcept {
  if (span->state() == SpanState::kFit) {
    release_fit(heap, span);
  } else if (span->state() != SpanState::kCurrent) {
    const std::uint32_t live = live_objects(*span) - frees;
    unlist(heap, span);
    settle(heap, span, live);
  }
}

// --- threads that come and go -------------------------------------------------------------------

template <AddressSpace Os>
ThreadHeap* SlabHeap<Os>::adopt() noexcept {
  {
    const LockGuard guard(registry_mutex_);
    if (ThreadHeap* heap = orphans_.load(std::memory_order_relaxed); heap != nullptr) {
      orphans_.store(heap->next_orphan, std::memory_order_relaxed);
      heap->is_orphan.store(false, std::memory_order_relaxed);
      return heap;
    }
  }
  void* memory = runs_.allocate_metadata(sizeof(ThreadHeap));
  if (memory == nullptr) return nullptr;
  auto* heap = new (memory) ThreadHeap;
  heap->discarded_ms = runs_.os().now_ms();
  return heap;
}

template <AddressSpace Os>
void SlabHeap<Os>::abandon(ThreadHeap& heap) noexcept {
  release_empty(heap);
  const LockGuard guard(registry_mutex_);
  heap.next_orphan = orphans_.load(std::memory_order_relaxed);
  orphans_.store(&heap, std::memory_order_relaxed);
  heap.is_orphan.store(true, std::memory_order_seq_cst);
  collect_orphan(heap);  // who pushed before it could see the mark left it to this
}

template <AddressSpace Os>
void SlabHeap<Os>::purge_orphans() noexcept {
  const LockGuard guard(registry_mutex_);
  for (ThreadHeap* orphan = orphans_.load(std::memory_order_relaxed); orphan != nullptr;
       orphan = orphan->next_orphan) {
    collect_orphan(*orphan);
    trim_holes(*orphan);
  }
}

// A slab with free objects of a heap whose thread has ended.
template <AddressSpace Os>
Span* SlabHeap<Os>::steal(ThreadHeap& heap, unsigned bin) noexcept {
  if (orphans_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const LockGuard guard(registry_mutex_);
  for (ThreadHeap* orphan = orphans_.load(std::memory_order_relaxed); orphan != nullptr;
       orphan = orphan->next_orphan) {
    collect_orphan(*orphan);
    Span* slab = orphan->available[bin].first();
    if (slab == nullptr) slab = orphan->sparse[bin].first();
    if (slab == nullptr || slab->object_bytes() != heap.object_bytes[bin]) continue;
    unlist(*orphan, slab);
    if (orphan->slab_counts[bin] != 0) --orphan->slab_counts[bin];
    if (heap.slab_counts[bin] != UINT8_MAX) ++heap.slab_counts[bin];
    const std::size_t pages = slab_pages(slab->capacity, slab->object_bytes());
    orphan->owned_pages -= pages;
    heap.owned_pages += pages;
    slab->owner.store(&heap, std::memory_order_relaxed);
    return slab;
  }
  return nullptr;
}

}  // namespace mem
