// The operations of SlabHeap, for the one file that instantiates it.
#pragma once

#include "core/base/bits.h"
#include "core/mem/slab_heap.h"
#include "core/mem/slab_layout.h"
#include "core/os/report.h"

namespace mem {

// --- the owner's side ---------------------------------------------------------------------------

template <AddressSpace Os>
FreeObject* SlabHeap<Os>::refill_slow(ThreadHeap& heap, unsigned bin) noexcept {
  if (heap.pending.load(std::memory_order_relaxed) != nullptr) {  // collect() acquires
    collect(heap);
    if (heap.current[bin]->free != nullptr) return refill(heap, bin);
  }
  Span* slab = heap.current[bin];
  if (slab->carved < slab->capacity) return carve(heap, slab);
  if (slab != &no_slab) {
    slab->state = SpanState::kFull;
    slab->need = 1;
    heap.current[bin] = &no_slab;
  }
  slab = next_slab(heap, bin);
  if (slab == nullptr) return nullptr;
  slab->state = SpanState::kCurrent;
  slab->need = Span::kNoEvent;
  heap.current[bin] = slab;
  return slab->free != nullptr ? refill(heap, bin) : carve(heap, slab);
}

template <AddressSpace Os>
Span* SlabHeap<Os>::next_slab(ThreadHeap& heap, unsigned bin) noexcept {
  if (Span* slab = heap.available[bin].first(); slab != nullptr) {
    heap.available[bin].remove(slab);
    return slab;
  }
  if (Span* slab = heap.kept[bin]; slab != nullptr) {
    heap.kept[bin] = nullptr;
    return slab;
  }
  if (Span* slab = steal(heap, bin); slab != nullptr) return slab;
  return make_slab(heap, bin);
}

template <AddressSpace Os>
Span* SlabHeap<Os>::make_slab(ThreadHeap& heap, unsigned bin) noexcept {
  const std::size_t bytes = heap.object_bytes[bin];
  const SlabLayout layout = slab_layout(bytes, heap.slab_counts[bin]);
  Span* slab = runs_.allocate(layout.pages, 0, SpanState::kCurrent, true);
  if (slab == nullptr) return nullptr;
  slab->free = nullptr;
  slab->need = Span::kNoEvent;
  slab->capacity = static_cast<std::uint16_t>(layout.capacity);
  slab->object_units = static_cast<std::uint16_t>(bytes >> Span::kUnitShift) & 0x7fff;
  slab->bin = static_cast<std::uint8_t>(bin);
  slab->owner.store(&heap, std::memory_order_relaxed);  // nobody else has a pointer into it yet
  if (heap.slab_counts[bin] != UINT8_MAX) ++heap.slab_counts[bin];
  return slab;
}

// Hands out a slab's next objects, as many as end in the page in which the first one starts, so that
// a slab touches its pages one after the other.
template <AddressSpace Os>
FreeObject* SlabHeap<Os>::carve(ThreadHeap& heap, Span* slab) noexcept {
  const std::size_t bytes = slab->object_bytes();
  const std::size_t start = slab->carved * bytes;
  const std::size_t page_end = align_down(start, kPageBytes) + kPageBytes;
  std::size_t count = (page_end - start) / bytes;
  if (count == 0) count = 1;
  const std::size_t left = std::size_t{slab->capacity} - slab->carved;
  if (count > left) count = left;
  slab->carved = static_cast<std::uint16_t>(slab->carved + count);
  std::byte* first = start_of(slab) + start;
  FreeObject* next = nullptr;
  for (std::size_t i = count; i-- > 1;) {
    auto* object = reinterpret_cast<FreeObject*>(first + i * bytes);
    object->next = next;
    next = object;
  }
  heap.bins[slab->bin] = next;
  return reinterpret_cast<FreeObject*>(first);
}

template <AddressSpace Os>
void SlabHeap<Os>::on_event(ThreadHeap& heap, Span* slab) noexcept {
  if (slab->state == SpanState::kFull) {
    bring_back(heap, slab);
    slab->need = slab->capacity - 1U;
    if (slab->need != 0) return;
  }
  if (slab->state == SpanState::kAvailable) heap.available[slab->bin].remove(slab);
  on_empty(heap, slab);
}

// A full slab has a free object again.
template <AddressSpace Os>
void SlabHeap<Os>::bring_back(ThreadHeap& heap, Span* slab) noexcept {
  if (slab->object_bytes() != heap.object_bytes[slab->bin]) {
    slab->state = SpanState::kOutdated;
    return;
  }
  slab->state = SpanState::kAvailable;
  heap.available[slab->bin].push(slab);
}

// pre: slab is in no list and holds no live object.
template <AddressSpace Os>
void SlabHeap<Os>::on_empty(ThreadHeap& heap, Span* slab) noexcept {
  const unsigned bin = slab->bin;
  const bool is_orphan = heap.is_orphan.load(std::memory_order_relaxed);
  if (tuning::kKeepEmpty && !is_orphan && bin < kFirstMediumBin && heap.kept[bin] == nullptr &&
      slab->state == SpanState::kAvailable) {
    slab->need = Span::kNoEvent;
    heap.kept[bin] = slab;
    return;
  }
  give_back(heap, slab);
}

template <AddressSpace Os>
void SlabHeap<Os>::give_back(ThreadHeap& heap, Span* slab) noexcept {
  if (slab->state != SpanState::kOutdated && heap.slab_counts[slab->bin] != 0) {
    --heap.slab_counts[slab->bin];
  }
  const std::size_t touched = slab_pages(slab->carved, slab->object_bytes());
  const std::size_t pages = slab_pages(slab->capacity, slab->object_bytes());
  slab->owner.store(nullptr, std::memory_order_relaxed);  // no live object leads here any more
  runs_.free(slab, pages, touched);
}

// Gives the objects in the bin back to the current slab, which then is current no more.
template <AddressSpace Os>
void SlabHeap<Os>::put_to_rest(ThreadHeap& heap, unsigned bin) noexcept {
  Span* slab = heap.current[bin];
  if (slab == &no_slab) return;
  heap.current[bin] = &no_slab;
  while (FreeObject* object = heap.bins[bin]) {
    heap.bins[bin] = object->next;
    object->next = slab->free;
    slab->free = object;
    --slab->need;
  }
  const std::uint32_t live = slab->carved - (Span::kNoEvent - slab->need);
  slab->state = SpanState::kAvailable;
  slab->need = live;
  if (live == 0) {
    give_back(heap, slab);
  } else if (live == slab->capacity) {
    slab->state = SpanState::kFull;
    slab->need = 1;
  } else {
    heap.available[bin].push(slab);
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::set_object_bytes(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept {
  put_to_rest(heap, bin);
  while (Span* slab = heap.available[bin].first()) {
    heap.available[bin].remove(slab);
    slab->state = SpanState::kOutdated;
  }
  heap.slab_counts[bin] = 0;
  heap.object_bytes[bin] = static_cast<std::uint16_t>(bytes);
}

template <AddressSpace Os>
void SlabHeap<Os>::release_empty(ThreadHeap& heap) noexcept {
  flush(heap);
  collect(heap);
  for (unsigned bin = 0; bin < kBins; ++bin) {
    put_to_rest(heap, bin);
    if (heap.kept[bin] == nullptr) continue;
    give_back(heap, heap.kept[bin]);
    heap.kept[bin] = nullptr;
  }
}

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

// release: the owner's acquire in collect() sees the objects' links.
template <AddressSpace Os>
void SlabHeap<Os>::send(RemoteBatch& batch) noexcept {
  Span* slab = batch.slab;
  std::uint64_t old = slab->remote.load(std::memory_order_relaxed);
  std::uint64_t sum = 0;
  do {
    batch.tail->next = reinterpret_cast<FreeObject*>(old & kAddressMask);
    sum = ((old >> kCountShift) + batch.count) << kCountShift |
          reinterpret_cast<std::uintptr_t>(batch.head);
  } while (!slab->remote.compare_exchange_weak(old, sum, std::memory_order_release,
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
  if (owner.is_orphan.load(std::memory_order_relaxed)) collect(owner);
}

template <AddressSpace Os>
void SlabHeap<Os>::collect(ThreadHeap& heap) noexcept {
  Span* slab = heap.pending.exchange(nullptr, std::memory_order_seq_cst);
  while (slab != nullptr) {
    Span* next = slab->pending;  // read first: once remote is empty, others may push the slab again
    if (slab->owner.load(std::memory_order_relaxed) != &heap) {
      push_pending(slab);
    } else {
      const std::uint64_t remote = slab->remote.exchange(0, std::memory_order_acquire);
      auto* head = reinterpret_cast<FreeObject*>(remote & kAddressMask);
      FreeObject* tail = head;
      while (tail->next != nullptr) tail = tail->next;
      tail->next = slab->free;
      slab->free = head;
      count_frees(heap, slab, static_cast<std::uint32_t>(remote >> kCountShift));
    }
    slab = next;
  }
}

// Counts frees of others that have just been taken into the slab's list. They lower `need` in every
// state, as the owner's own do, but many at once may pass two events.
template <AddressSpace Os>
void SlabHeap<Os>::count_frees(ThreadHeap& heap, Span* slab, std::uint32_t frees) noexcept {
  if (slab->state == SpanState::kFull) {
    bring_back(heap, slab);
    slab->need = slab->capacity;
  }
  slab->need -= frees;
  if (slab->need == 0) on_event(heap, slab);
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
  const LockGuard guard(registry_mutex_);
  heap->next_heap = heaps_;
  heaps_ = heap;
  return heap;
}

template <AddressSpace Os>
void SlabHeap<Os>::abandon(ThreadHeap& heap) noexcept {
  release_empty(heap);
  const LockGuard guard(registry_mutex_);
  heap.next_orphan = orphans_.load(std::memory_order_relaxed);
  orphans_.store(&heap, std::memory_order_relaxed);
  heap.is_orphan.store(true, std::memory_order_seq_cst);
  collect(heap);  // who pushed before it could see the mark left it to this
}

// A slab with free objects of a heap whose thread has ended.
template <AddressSpace Os>
Span* SlabHeap<Os>::steal(ThreadHeap& heap, unsigned bin) noexcept {
  if (orphans_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const LockGuard guard(registry_mutex_);
  for (ThreadHeap* orphan = orphans_.load(std::memory_order_relaxed); orphan != nullptr;
       orphan = orphan->next_orphan) {
    collect(*orphan);
    Span* slab = orphan->available[bin].first();
    if (slab == nullptr || slab->object_bytes() != heap.object_bytes[bin]) continue;
    orphan->available[bin].remove(slab);
    if (orphan->slab_counts[bin] != 0) --orphan->slab_counts[bin];
    if (heap.slab_counts[bin] != UINT8_MAX) ++heap.slab_counts[bin];
    slab->owner.store(&heap, std::memory_order_relaxed);
    return slab;
  }
  return nullptr;
}

// --- the rest -----------------------------------------------------------------------------------

template <AddressSpace Os>
std::size_t SlabHeap<Os>::live_objects(const Span& slab) noexcept {
  switch (slab.state) {
    case SpanState::kFull: return slab.capacity;
    case SpanState::kCurrent: return slab.carved - (Span::kNoEvent - slab.need);
    case SpanState::kAvailable: return slab.need == Span::kNoEvent ? 0 : slab.need;
    case SpanState::kOutdated: return slab.need;
    default: return 0;
  }
}

template <AddressSpace Os>
int SlabHeap<Os>::check(ThreadHeap& heap) noexcept {
  int broken = 0;
  runs_.for_each_span([&](Span& slab) {
    if (broken != 0 || !slab.is_slab() || slab.owner.load(std::memory_order_relaxed) != &heap) {
      return;
    }
    const std::size_t bytes = slab.object_bytes();
    std::size_t free = 0;
    for (FreeObject* object = slab.free; object != nullptr; object = object->next) {
      const auto offset =
          static_cast<std::size_t>(reinterpret_cast<std::byte*>(object) - start_of(&slab));
      if (offset % bytes != 0 || offset / bytes >= slab.carved || ++free > slab.carved) {
        broken = 122;
        return;
      }
    }
    const bool is_current = heap.current[slab.bin] == &slab;
    if (is_current != (slab.state == SpanState::kCurrent)) broken = 123;
    if (live_objects(slab) + free != slab.carved) broken = 121;
    if (slab.state == SpanState::kFull && (slab.need != 1 || free != 0)) broken = 121;
    if (slab.state == SpanState::kAvailable && free == 0 && slab.carved == slab.capacity) {
      broken = 124;
    }
  });
  for (unsigned bin = 0; broken == 0 && bin < kBins; ++bin) {
    for (Span* slab = heap.available[bin].first(); slab != nullptr; slab = slab->next) {
      if (slab->owner.load(std::memory_order_relaxed) != &heap || slab->bin != bin ||
          slab->state != SpanState::kAvailable) {
        return 123;
      }
    }
  }
  return broken;
}

}  // namespace mem
