// The operations of SlabHeap on fit spans, for the one file that instantiates it.
#pragma once

#include "core/base/bits.h"
#include "core/mem/slab_heap.h"
#include "core/mem/slab_layout.h"
#include "core/os/report.h"

namespace mem {

template <AddressSpace Os>
unsigned SlabHeap<Os>::bin_of_granules(std::size_t granules) noexcept {
  const std::size_t bytes = granules * FitTable::kGranuleBytes;
  return bytes <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(bytes)) : medium_bin(bytes);
}

template <AddressSpace Os>
void* SlabHeap<Os>::allocate_fit(ThreadHeap& heap, std::size_t bytes, std::size_t align) noexcept {
  const std::size_t count =
      bytes == 0 ? 1 : (bytes + FitTable::kGranuleBytes - 1) / FitTable::kGranuleBytes;
  const std::size_t step = align / FitTable::kGranuleBytes;
  const std::size_t slack = step > 1 ? step - 1 : 0;
  if (heap.pending.load(std::memory_order_relaxed) != nullptr) collect(heap);
  FitArea& area = area_of(heap, count);
  FitTable* table = area.lists.find(count + slack);
  if (table == nullptr && open_sparse(heap, area)) table = area.lists.find(count + slack);
  if (table == nullptr) table = grow_fit(heap, area, count + slack);
  if (table == nullptr) return nullptr;
  std::size_t first = table->find(count + slack);
  if (slack != 0) first = align_up(first, step);  // spans start at a page
  table->take(first, count);
  area.free_granules -= count;
  area.lists.update(table);
  ++table->span->carved;
  ++heap.fit_live[bin_of_granules(count)];
  return start_of(table->span) + first * FitTable::kGranuleBytes;
}

template <AddressSpace Os>
bool SlabHeap<Os>::resize_fit(ThreadHeap& heap, Span* span, void* p, std::size_t bytes) noexcept {
  FitTable* table = span->fit;
  const std::size_t first = granule_of(span, p);
  const std::size_t old = table->size_of(first);
  const std::size_t count = (bytes + FitTable::kGranuleBytes - 1) / FitTable::kGranuleBytes;
  FitArea& area = area_of(heap, old);
  if (&area != &area_of(heap, count) || !table->resize(first, count)) return false;
  area.free_granules = area.free_granules + old - count;
  area.lists.update(table);
  --heap.fit_live[bin_of_granules(old)];
  ++heap.fit_live[bin_of_granules(count)];
  return true;
}

template <AddressSpace Os>
std::size_t SlabHeap<Os>::object_size(const Span* span, const void* p) const noexcept {
  if (span->state() != SpanState::kFit) return span->object_bytes();
  return span->fit->size_of(granule_of(span, p)) * FitTable::kGranuleBytes;
}

// The owner freed one object of a fit span. The last few of a size go straight back to its bin.
template <AddressSpace Os>
void SlabHeap<Os>::on_fit_free(ThreadHeap& heap, Span* span) noexcept {
  FreeObject* object = span->free;
  const std::size_t first = granule_of(span, object);
  const std::size_t count = span->fit->size_of(first);
  const unsigned bin = bin_of_granules(count);
  const bool is_wanted = count * FitTable::kGranuleBytes >= heap.object_bytes[bin];
  if (!is_wanted || heap.cached[bin] * count >= tuning::kCacheGranules ||
      heap.cached[bin] >= tuning::kCacheObjects) {
    return release_fit(heap, span);
  }
  if (heap.bins[bin] == object) report_double_free(object);
  ++heap.cached[bin];
  object->next = heap.bins[bin];
  heap.bins[bin] = object;
  span->free = nullptr;
  span->need = 1;
}

// Frees all objects in the span's list.
template <AddressSpace Os>
void SlabHeap<Os>::release_fit(ThreadHeap& heap, Span* span) noexcept {
  FitTable* table = span->fit;
  FitArea& area = heap.areas[table->area];
  FreeObject* object = span->free;
  span->free = nullptr;
  span->need = 1;
  while (object != nullptr) {
    FreeObject* next = object->next;
    const std::size_t first = granule_of(span, object);
    const bool is_aligned_to_granule =
        is_aligned(reinterpret_cast<std::uintptr_t>(object), FitTable::kGranuleBytes);
    if (!is_aligned_to_granule || !table->is_start(first)) {
      if (table->is_free(first)) report_double_free(object);
      report_misaligned_pointer(object);
    }
    const std::size_t count = table->give(first);
    area.free_granules += count;
    --heap.fit_live[bin_of_granules(count)];
    --span->carved;
    object = next;
  }
  if (!table->is_empty()) {
    area.lists.update(table);
    return;
  }
  area.lists.remove(table);
  area.free_granules -= table->granules();
  if (area.growing == table) area.growing = nullptr;
  table->release();
  table->next = heap.spare_tables;
  heap.spare_tables = table;
  span->owner.store(nullptr, std::memory_order_relaxed);
  const std::size_t pages = slab_pages(span->capacity, span->object_bytes());
  heap.owned_pages -= pages;
  runs_.free(span, pages, pages);
}

template <AddressSpace Os>
FitTable* SlabHeap<Os>::take_table(ThreadHeap& heap) noexcept {
  if (heap.spare_tables == nullptr) {
    constexpr std::size_t kBatch = 3 * kPageBytes / sizeof(FitTable);
    auto* memory = static_cast<std::byte*>(runs_.allocate_metadata(3 * kPageBytes));
    if (memory == nullptr) return nullptr;
    for (std::size_t i = 0; i < kBatch; ++i) {
      auto* table = new (memory + i * sizeof(FitTable)) FitTable;
      table->next = heap.spare_tables;
      heap.spare_tables = table;
    }
  }
  FitTable* table = heap.spare_tables;
  heap.spare_tables = table->next;
  return table;
}

// Fresh pages to fit `count` granules in: the next ones of the span that grows, or of a new one. So
// all gaps are holes that something left.
template <AddressSpace Os>
FitTable* SlabHeap<Os>::grow_fit(ThreadHeap& heap, FitArea& area, std::size_t count) noexcept {
  constexpr std::size_t kPage = FitTable::kGranulesPerPage;
  FitTable* table = area.growing;
  std::size_t end = 0;
  if (table != nullptr) {
    end = align_up(table->granules() - table->free_tail() + count, kPage);
    if (end > tuning::kFitPages * kPage) table = nullptr;
  }
  if (table == nullptr) {
    table = make_fit(heap);
    if (table == nullptr) return nullptr;
    table->area = static_cast<std::uint8_t>(&area - heap.areas);
    area.lists.insert(table);
    area.growing = table;
    end = align_up(count, kPage);
  }
  area.free_granules += end - table->granules();
  table->extend(end);
  area.lists.update(table);
  return table;
}

// A fresh span to fit objects in.
template <AddressSpace Os>
FitTable* SlabHeap<Os>::make_fit(ThreadHeap& heap) noexcept {
  FitTable* table = take_table(heap);
  if (table == nullptr) return nullptr;
  Span* span = runs_.allocate(tuning::kFitPages, 0, SpanState::kFit, true);
  if (span == nullptr) {
    table->next = heap.spare_tables;
    heap.spare_tables = table;
    return nullptr;
  }
  span->free = nullptr;
  span->need = 1;
  span->fit = table;
  span->capacity = tuning::kFitPages;  // as of one object a page, to tell its pages by
  span->object_units = kPageBytes >> Span::kUnitShift;
  table->open(span, 0);
  span->owner.store(&heap, std::memory_order_relaxed);
  heap.owned_pages += tuning::kFitPages;
  return table;
}

template <AddressSpace Os>
FitArea& SlabHeap<Os>::area_of(ThreadHeap& heap, std::size_t granules) noexcept {
  return heap.areas[granules * FitTable::kGranuleBytes > kMaxSmallBytes];
}

// Opens one sparse slab to all sizes of its area; false = there is none.
template <AddressSpace Os>
bool SlabHeap<Os>::open_sparse(ThreadHeap& heap, const FitArea& area) noexcept {
  static_assert(kFirstMediumBin == 65);
  const bool is_medium = &area != heap.areas;
  const std::uint64_t in_first = is_medium ? 0 : heap.sparse_bins[0];
  const std::uint64_t in_second = heap.sparse_bins[1] & (is_medium ? ~std::uint64_t{1} : 1);
  if (in_first == 0 && in_second == 0) return false;
  const int bin = in_first != 0 ? std::countr_zero(in_first) : 64 + std::countr_zero(in_second);
  return open_slab(heap, heap.sparse[bin].first());
}

template <AddressSpace Os>
bool SlabHeap<Os>::open_slab(ThreadHeap& heap, Span* slab) noexcept {
  FitTable* table = take_table(heap);
  if (table == nullptr) return false;
  const std::uint32_t live = live_objects(*slab);
  unlist(heap, slab);  // with which its free granules are no longer those of a sparse slab
  if (heap.slab_counts[slab->bin] != 0) --heap.slab_counts[slab->bin];
  const std::size_t bytes = slab->object_bytes();
  const std::size_t size = bytes / FitTable::kGranuleBytes;
  const std::size_t pages = slab_pages(slab->capacity, bytes);
  std::uint64_t is_free[FitTable::kMaxGranules / 64] = {};
  for (FreeObject* object = slab->free; object != nullptr; object = object->next) {
    const std::size_t i = granule_of(slab, object) / size;
    is_free[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  table->open(slab, pages * FitTable::kGranulesPerPage);  // a tail never carved is hole enough
  for (std::size_t i = 0; i < slab->carved;) {
    std::size_t end = i;
    while (end < slab->carved && (is_free[end / 64] >> (end % 64) & 1) == 0) ++end;
    if (end > i) table->take_row(i * size, size, end - i);
    i = end + 1;
  }
  table->update_longest();
  heap.fit_live[bin_of_granules(size)] += live;
  slab->free = nullptr;
  slab->need = 1;
  slab->carved = static_cast<std::uint16_t>(live);
  FitArea& area = area_of(heap, size);
  table->area = static_cast<std::uint8_t>(&area - heap.areas);
  area.free_granules += table->free_granules();
  area.lists.insert(table);
  slab->fit = table;
  slab->set_state(SpanState::kFit);
  return true;
}

// Objects for a bin that has no slab left, out of holes; nullptr = there are none worth it. As long as
// holes are a small part of what the heap holds a slab is better, for its objects are freed faster.
template <AddressSpace Os>
FreeObject* SlabHeap<Os>::fill_from_holes(ThreadHeap& heap, unsigned bin) noexcept {
  const std::size_t size = heap.object_bytes[bin] / FitTable::kGranuleBytes;
  FitArea& area = area_of(heap, size);
  const std::size_t held = heap.owned_pages * FitTable::kGranulesPerPage;
  if ((area.free_granules + area.sparse_granules) * tuning::kHoleShare < held) return nullptr;
  for (;;) {
    std::size_t count = tuning::kMaxFillGranules / size;
    if (count == 0) count = 1;
    for (; count > 0 && count * size >= tuning::kMinFillGranules; count /= 2) {
      if (FreeObject* object = take_row(heap, bin, size, count); object != nullptr) return object;
    }
    if (!open_sparse(heap, area)) return nullptr;
  }
}

template <AddressSpace Os>
FreeObject* SlabHeap<Os>::take_row(ThreadHeap& heap, unsigned bin, std::size_t size,
                                   std::size_t count) noexcept {
  FitArea& area = area_of(heap, size);
  FitTable* table = area.lists.find(size * count);
  if (table == nullptr) return nullptr;
  const std::size_t first = table->find(size * count);
  table->take_row(first, size, count);
  area.free_granules -= size * count;
  area.lists.update(table);
  Span* span = table->span;
  span->carved = static_cast<std::uint16_t>(span->carved + count);
  heap.fit_live[bin] += static_cast<std::uint32_t>(count);
  std::byte* start = start_of(span) + first * FitTable::kGranuleBytes;
  FreeObject* next = nullptr;
  for (std::size_t i = count; i-- > 1;) {
    auto* object =
        reinterpret_cast<FreeObject*>(start + i * size * FitTable::kGranuleBytes);
    object->next = next;
    next = object;
  }
  heap.bins[bin] = next;
  return reinterpret_cast<FreeObject*>(start);
}

}  // namespace mem
