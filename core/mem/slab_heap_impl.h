// The operations of SlabHeap on slabs, for the one file that instantiates it.
#pragma once

#include "core/base/bits.h"
#include "core/mem/slab_heap.h"
#include "core/mem/slab_layout.h"

namespace mem {

template <AddressSpace Os>
FreeObject* SlabHeap<Os>::refill_slow(ThreadHeap& heap, unsigned bin) noexcept {
  if (heap.pending.load(std::memory_order_relaxed) != nullptr) {  // collect() acquires
    collect(heap);
    if (heap.current[bin]->free != nullptr) return refill(heap, bin);
  }
  Span* slab = heap.current[bin];
  if (slab->carved < slab->capacity) return carve(heap, slab);
  if (slab != &no_slab) {
    heap.current[bin] = &no_slab;
    heap.bins[bin] = &no_slab;
    settle(heap, slab, slab->capacity);
  }
  slab = reuse_slab(heap, bin);
  if (slab == nullptr) {
    if (FreeObject* object = fill_from_holes(heap, bin); object != nullptr) return object;
    slab = make_slab(heap, bin);
    if (slab == nullptr) return nullptr;
  }
  slab->set_state(SpanState::kCurrent);
  slab->need = Span::kNoEvent;
  heap.current[bin] = slab;
  return slab->free != nullptr ? take_from(heap, bin, slab) : carve(heap, slab);
}

template <AddressSpace Os>
Span* SlabHeap<Os>::reuse_slab(ThreadHeap& heap, unsigned bin) noexcept {
  if (Span* slab = heap.available[bin].first(); slab != nullptr) {
    unlist(heap, slab);
    return slab;
  }
  if (Span* slab = heap.sparse[bin].first(); slab != nullptr) {
    unlist(heap, slab);
    note_rise(heap);
    return slab;
  }
  if (Span* slab = take_kept(heap, bin); slab != nullptr) return slab;
  return steal(heap, bin);
}

// Fresh pages, which may be those of the large block that the thread kept. nullptr = no memory.
template <AddressSpace Os>
Span* SlabHeap<Os>::allocate_run(ThreadHeap& heap, std::size_t pages) noexcept {
  Span* run = runs_.allocate(pages, 0, SpanState::kCurrent, true);
  if (run != nullptr || heap.kept_run == nullptr) return run;
  give_back_kept_run(heap);
  return runs_.allocate(pages, 0, SpanState::kCurrent, true);
}

template <AddressSpace Os>
Span* SlabHeap<Os>::make_slab(ThreadHeap& heap, unsigned bin) noexcept {
  rest_idle_bins_if_grown(heap);
  const std::size_t bytes = heap.object_bytes[bin];
  const SlabLayout layout = slab_layout(bytes, heap.slab_counts[bin]);
  Span* slab = allocate_run(heap, layout.pages);
  if (slab == nullptr) return nullptr;
  slab->free = nullptr;
  slab->need = Span::kNoEvent;
  slab->capacity = static_cast<std::uint16_t>(layout.capacity);
  slab->object_units = static_cast<std::uint16_t>(bytes >> Span::kUnitShift) & 0x7fff;
  slab->bin = static_cast<std::uint8_t>(bin);
  slab->owner.store(&heap, std::memory_order_relaxed);  // nobody else has a pointer into it yet
  if (tuning::kPopulateFrom != 0 && heap.slab_counts[bin] >= tuning::kPopulateFrom &&
      slab->is_fresh) {
    runs_.populate(slab->first_page, layout.pages);
  }
  if (heap.slab_counts[bin] != UINT8_MAX) ++heap.slab_counts[bin];
  heap.owned_pages += layout.pages;
  note_rise(heap);
  return slab;
}

// Hands out a slab's next object, and makes a list of those behind it that start in the same page;
// of a page in which none started yet only the first, for its caller is about to touch that page
// anyway. So a slab's pages are touched one after the other, and never first by the allocator.
template <AddressSpace Os>
FreeObject* SlabHeap<Os>::carve(ThreadHeap& heap, Span* slab) noexcept {
  const std::size_t bytes = slab->object_bytes();
  const std::size_t start = slab->carved * bytes;
  std::size_t count = (align_up(start, kPageBytes) - start + bytes - 1) / bytes;
  const std::size_t left = std::size_t{slab->capacity} - slab->carved;
  if (count > left) count = left;
  std::byte* first = start_of(slab) + start;
  if (count == 0) {
    count = 1;
    if (slab->is_fresh) heap.untouched = first;
  }
  slab->carved = static_cast<std::uint16_t>(slab->carved + count);
  FreeObject* next = nullptr;
  for (std::byte* p = first + count * bytes; (p -= bytes) != first;) {
    auto* object = reinterpret_cast<FreeObject*>(p);
    object->next = next;
    next = object;
  }
  slab->free = next;
  heap.bins[slab->bin] = slab;
  return reinterpret_cast<FreeObject*>(first);
}

template <AddressSpace Os>
void SlabHeap<Os>::on_event(ThreadHeap& heap, Span* span) noexcept {
  const SpanState state = span->state();
  if (state == SpanState::kFull && let_wait(heap, span)) return;
  if (state == SpanState::kFit) return on_fit_free(heap, span);
  if (state == SpanState::kCurrent) {  // after two thousand million frees
    span->need = Span::kNoEvent;
    return;
  }
  move_on(heap, span);
}

// From a state whose `need` is 0 to the next.
template <AddressSpace Os>
[[gnu::noinline]] void SlabHeap<Os>::move_on(ThreadHeap& heap, Span* slab) noexcept {
  // What is live is what the state leaves uncounted.
  const bool was_full = slab->state() == SpanState::kFull;
  const std::uint32_t live = was_full ? slab->capacity - 1U : live_objects(*slab);
  unlist(heap, slab);
  settle(heap, slab, live);
}

// The live objects at and below which a slab is sparse.
template <AddressSpace Os>
std::uint32_t SlabHeap<Os>::sparse_at(const Span& slab) noexcept {
  return tuning::kSparse == 0 ? 0 : slab.capacity / (tuning::kSparse + (tuning::kSparse == 0));
}

template <AddressSpace Os>
std::uint32_t SlabHeap<Os>::live_objects(const Span& span, SpanState state) noexcept {
  std::uint32_t free = 0;
  switch (state) {
    case SpanState::kCurrent:
      for (const FreeObject* object = span.free; object != nullptr; object = object->next) ++free;
      return span.carved - free;
    case SpanState::kFull:
      return span.capacity;
    case SpanState::kAvailable:
      return span.need + sparse_at(span);
    case SpanState::kSparse:
      return span.need == Span::kNoEvent ? 0 : span.need;  // kept: 0
    case SpanState::kOutdated:
      return span.need + sparse_at(span);
    case SpanState::kUnopened:
      return span.need;
    case SpanState::kFit:
      return span.carved;
    default:
      return 0;
  }
}

// Where a slab with so many live objects belongs. pre: it is in no list and not current.
template <AddressSpace Os>
void SlabHeap<Os>::settle(ThreadHeap& heap, Span* slab, std::uint32_t live) noexcept {
  const unsigned bin = slab->bin;
  if (live == 0) {
    on_empty(heap, slab);
  } else if (slab->object_bytes() != heap.object_bytes[bin]) {
    settle_outdated(heap, slab, live);
  } else if (live == slab->capacity) {
    slab->set_state(SpanState::kFull);
    slab->need = 1;
  } else if (live > sparse_at(*slab)) {
    slab->set_state(SpanState::kAvailable);
    slab->need = live - sparse_at(*slab);
    heap.available[bin].push_back(slab);  // which gathers free objects until its turn comes
  } else {
    slab->set_state(SpanState::kSparse);
    slab->need = live;
    heap.sparse[bin].push(slab);
    heap.sparse_bins[bin / 64] |= std::uint64_t{1} << (bin % 64);
    count_sparse(heap, *slab, true);
    rest_bins_if_fallen(heap);
  }
}

// What no bin takes objects from is of use to all sizes once it is sparse.
template <AddressSpace Os>
void SlabHeap<Os>::settle_outdated(ThreadHeap& heap, Span* slab, std::uint32_t live) noexcept {
  if (live > sparse_at(*slab)) {
    slab->set_state(SpanState::kOutdated);
    slab->need = live - sparse_at(*slab);
  } else if (FitTable* table = take_table(heap); table != nullptr) {
    open_slab(heap, slab, live, table);
  } else {
    slab->set_state(SpanState::kUnopened);
    slab->need = live;
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::unlist(ThreadHeap& heap, Span* slab) noexcept {
  const unsigned bin = slab->bin;
  if (slab->state() == SpanState::kAvailable) heap.available[bin].remove(slab);
  if (slab->state() != SpanState::kSparse) return;
  heap.sparse[bin].remove(slab);
  count_sparse(heap, *slab, false);
  if (heap.sparse[bin].first() == nullptr) {
    heap.sparse_bins[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
  }
}

// Of a sparse slab's granules as many count as free as when it became sparse at the latest.
template <AddressSpace Os>
void SlabHeap<Os>::count_sparse(ThreadHeap& heap, const Span& slab, bool enters) noexcept {
  const std::size_t least = (slab.capacity - sparse_at(slab)) * std::size_t{slab.object_units};
  FitArea& area = area_of(heap, slab.object_units);
  area.sparse_granules = enters ? area.sparse_granules + least : area.sparse_granules - least;
}

// pre: slab is in no list and holds no live object.
template <AddressSpace Os>
void SlabHeap<Os>::on_empty(ThreadHeap& heap, Span* slab) noexcept {
  const unsigned bin = slab->bin;
  const bool is_orphan = heap.is_orphan.load(std::memory_order_relaxed);
  const bool is_of_use = slab->object_bytes() == heap.object_bytes[bin];
  if (tuning::kKeepEmpty && is_of_use && !is_orphan && heap.kept[bin] == nullptr) {
    slab->set_state(SpanState::kSparse);
    slab->need = Span::kNoEvent;
    heap.kept[bin] = slab;
    return;
  }
  give_back(heap, slab);
}

// The empty slab that a bin kept, if any; it keeps none now.
template <AddressSpace Os>
Span* SlabHeap<Os>::take_kept(ThreadHeap& heap, unsigned bin) noexcept {
  Span* slab = heap.kept[bin];
  heap.kept[bin] = nullptr;
  return slab;
}

template <AddressSpace Os>
void SlabHeap<Os>::give_back_kept(ThreadHeap& heap) noexcept {
  for (unsigned bin = 0; bin < kBins; ++bin) {
    if (Span* slab = take_kept(heap, bin); slab != nullptr) give_back(heap, slab);
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::give_back_kept_run(ThreadHeap& heap) noexcept {
  Span* run = heap.kept_run;
  if (run == nullptr) return;
  heap.kept_run = nullptr;
  runs_.free(run, run->run_pages, run->run_pages);
}

// It is none of its bin's slabs any more, if it was.
template <AddressSpace Os>
void SlabHeap<Os>::uncount(ThreadHeap& heap, const Span& slab) noexcept {
  if (slab.object_bytes() == heap.object_bytes[slab.bin] && heap.slab_counts[slab.bin] != 0) {
    --heap.slab_counts[slab.bin];
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::give_back(ThreadHeap& heap, Span* slab) noexcept {
  uncount(heap, *slab);
  const std::size_t pages = slab_pages(slab->capacity, slab->object_bytes());
  slab->owner.store(nullptr, std::memory_order_relaxed);  // no live object leads here any more
  heap.owned_pages -= pages;
  runs_.free(slab, pages, pages);
  discard_holes_if_due(heap);
}

// Before the heap takes fresh pages. A bin is idle that looks as it did when the heap was smaller
// by a share; looks are that far apart, so they cost little.
template <AddressSpace Os>
void SlabHeap<Os>::rest_idle_bins_if_grown(ThreadHeap& heap) noexcept {
  if (!tuning::is_grown(heap.owned_pages, heap.looked_at_pages)) return;
  heap.looked_at_pages = heap.owned_pages;
  for (unsigned bin = 0; bin < kBins; ++bin) {
    if (heap.note_look(bin)) continue;
    put_to_rest(heap, bin);
    if (Span* slab = take_kept(heap, bin); slab != nullptr) give_back(heap, slab);
  }
}

template <AddressSpace Os>
void SlabHeap<Os>::note_rise(ThreadHeap& heap) noexcept {
  if (const std::size_t now = in_use(heap); now > heap.most_in_use) heap.most_in_use = now;
}

// Once a quarter of what the heap had in use is free: each object that waits in a bin keeps a slab
// from being empty, and of a load that ends nobody asks for it any more.
template <AddressSpace Os>
void SlabHeap<Os>::rest_bins_if_fallen(ThreadHeap& heap) noexcept {
  const std::size_t now = in_use(heap);
  const bool is_fallen =
      now + tuning::kMinFall < heap.most_in_use && now < heap.most_in_use - heap.most_in_use / 4;
  if (!is_fallen) return;
  heap.most_in_use = now;
  for (unsigned bin = 0; bin < kBins; ++bin) put_to_rest(heap, bin);
}

// Empties a bin: its objects go back, and its current slab is current no more.
template <AddressSpace Os>
void SlabHeap<Os>::put_to_rest(ThreadHeap& heap, unsigned bin) noexcept {
  heap.bins[bin] = &no_slab;
  FreeObject* object = heap.loose[bin].free;
  heap.loose[bin].free = nullptr;
  heap.forget_cached(bin);
  while (object != nullptr) {
    FreeObject* next = object->next;
    Span* of = runs_.map().find(object);
    object->next = of->free;
    of->free = object;
    count_frees(heap, of, 1);
    object = next;
  }
  Span* slab = heap.current[bin];
  if (slab == &no_slab) return;
  heap.current[bin] = &no_slab;
  settle(heap, slab, live_objects(*slab));
}

template <AddressSpace Os>
void SlabHeap<Os>::set_object_bytes(ThreadHeap& heap, unsigned bin, std::size_t bytes) noexcept {
  put_to_rest(heap, bin);
  if (heap.object_bytes[bin] == bytes) return;
  if (Span* slab = take_kept(heap, bin); slab != nullptr) give_back(heap, slab);
  heap.object_bytes[bin] = static_cast<std::uint16_t>(bytes);
  for (SpanList* list : {&heap.available[bin], &heap.sparse[bin]}) {
    while (Span* slab = list->first()) {
      if (open_listed(heap, slab)) continue;
      const std::uint32_t live = live_objects(*slab);
      unlist(heap, slab);
      settle(heap, slab, live);
    }
  }
  heap.slab_counts[bin] = 0;
}

template <AddressSpace Os>
void SlabHeap<Os>::release_empty(ThreadHeap& heap) noexcept {
  flush(heap);
  collect(heap);
  for (unsigned bin = 0; bin < kBins; ++bin) put_to_rest(heap, bin);
  give_back_kept(heap);
  give_back_kept_run(heap);
  for (FitArea& area : heap.areas) {
    if (area.empty != nullptr && area.empty->is_empty()) drop_fit(heap, area.empty);
    area.empty = nullptr;
  }
}

template <AddressSpace Os>
int SlabHeap<Os>::check(ThreadHeap& heap) noexcept {
  int broken = 0;
  runs_.for_each_span([&](Span& span) {
    if (broken != 0 || !span.is_owned() || span.owner.load(std::memory_order_relaxed) != &heap) {
      return;
    }
    if (span.state() == SpanState::kFit) {
      broken = span.fit->check();
      if (broken == 0 && span.fit->span != &span) broken = 125;
      return;
    }
    const std::size_t bytes = span.object_bytes();
    std::size_t free = 0;
    for (FreeObject* object = span.free; object != nullptr; object = object->next) {
      const auto offset =
          static_cast<std::size_t>(reinterpret_cast<std::byte*>(object) - start_of(&span));
      if (offset % bytes != 0 || offset / bytes >= span.carved || ++free > span.carved) {
        broken = 122;
        return;
      }
    }
    if ((heap.current[span.bin] == &span) != (span.state() == SpanState::kCurrent)) broken = 123;
    if (live_objects(span) + free != span.carved) broken = 121;
    if (span.state() == SpanState::kFull && (span.need != 1 || free != 0)) broken = 121;
  });
  const Span* run = heap.kept_run;
  if (run != nullptr &&
      (run->state() != SpanState::kKept || run->run_pages > tuning::kKeptRunPages)) {
    return 131;
  }
  for (unsigned bin = 0; broken == 0 && bin < kBins; ++bin) {
    if (!are_counted(heap, bin)) return 130;
    for (const SpanList* list : {&heap.available[bin], &heap.sparse[bin]}) {
      const bool is_sparse = list == &heap.sparse[bin];
      for (Span* slab = list->first(); slab != nullptr; slab = slab->next) {
        const SpanState state = is_sparse ? SpanState::kSparse : SpanState::kAvailable;
        if (slab->owner.load(std::memory_order_relaxed) != &heap || slab->bin != bin ||
            slab->state() != state) {
          return 123;
        }
        if (slab->free == nullptr && slab->carved == slab->capacity) return 124;
      }
    }
  }
  return broken;
}

}  // namespace mem
