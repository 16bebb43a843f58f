// The operations of SlabHeap on fit spans, for the one file that instantiates it.
#pragma once

#include <bit>

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
  const std::size_t count = bytes == 0 ? 1 : granules_of(bytes);
  const std::size_t step = align / FitTable::kGranuleBytes;
  const std::size_t slack = step > 1 ? step - 1 : 0;
  if (heap.pending.load(std::memory_order_relaxed) != nullptr) collect(heap);
  FitLists::Gap gap = find_gap(heap, count + slack);
  if (gap.table == nullptr && open_sparse(heap, count)) gap = find_gap(heap, count + slack);
  if (gap.table == nullptr) gap = grow_fit(heap, area_of(heap, count), count + slack);
  FitTable* table = gap.table;
  if (table == nullptr) return nullptr;
  FitArea& area = heap.areas[table->area];
  std::size_t first = gap.first;
  if (slack != 0) first = align_up(first, step);  // spans start at a page
  table->take(first, count);
  area.free_granules -= count;
  ++table->span->carved;
  ++heap.fit_live[bin_of_granules(count)];
  return start_of(table->span) + first * FitTable::kGranuleBytes;
}

template <AddressSpace Os>
bool SlabHeap<Os>::resize_fit(ThreadHeap& heap, Span* span, Fitted object, std::size_t bytes,
                              std::size_t roomy) noexcept {
  FitTable* table = span->fit;
  const auto [first, old] = object;
  const std::size_t most = old + table->room_behind(first + old);
  const auto fits = [&, old = old](std::size_t count) {
    return count <= most && &area_of(heap, count) == &area_of(heap, old);
  };
  std::size_t count = granules_of(roomy);
  if (!fits(count)) count = granules_of(bytes);
  if (!fits(count)) return false;
  const std::size_t longest = table->longest;
  table->resize(first, old, count);
  FitArea& area = heap.areas[table->area];
  area.free_granules = area.free_granules + old - count;
  area.lists.update(table, longest);
  --heap.fit_live[bin_of_granules(old)];
  ++heap.fit_live[bin_of_granules(count)];
  return true;
}

template <AddressSpace Os>
std::size_t SlabHeap<Os>::object_size(const Span* span, const void* p) const noexcept {
  if (span->state() != SpanState::kFit) return span->object_bytes();
  return span->fit->size_of(granule_of(span, p)) * FitTable::kGranuleBytes;
}

// The granule that `object` starts at. Ends the process unless a live object starts there; exact
// but for objects that wait in a bin.
template <AddressSpace Os>
[[gnu::always_inline]] inline std::size_t SlabHeap<Os>::require_start(
    const Span* span, const FreeObject* object) const noexcept {
  const std::size_t first = granule_of(span, object);
  const bool is_at_granule =
      is_aligned(reinterpret_cast<std::uintptr_t>(object), FitTable::kGranuleBytes);
  if (__builtin_expect(!is_at_granule || !span->fit->is_start(first), 0)) {
    report_no_start(span, object, is_at_granule);
  }
  return first;
}

template <AddressSpace Os>
void SlabHeap<Os>::report_no_start(const Span* span, const FreeObject* object,
                                   bool is_at_granule) const noexcept {
  const FitTable* table = span->fit;
  std::size_t start = granule_of(span, object);
  if (start >= table->granules()) report_foreign_pointer(object);
  if (table->is_free(start)) report_double_free(object);
  if (!is_at_granule) report_misaligned_pointer(object);
  while (!table->is_start(start)) --start;
  report_interior_pointer(object, start_of(span) + start * FitTable::kGranuleBytes);
}

// The same, of objects that wait in the bin of an owner too: as long as few do, they are looked
// through.
template <AddressSpace Os>
typename SlabHeap<Os>::Fitted SlabHeap<Os>::require_live(const ThreadHeap& heap, const Span* span,
                                                         const void* p) const noexcept {
  const auto* object = static_cast<const FreeObject*>(p);
  const std::size_t first = require_start(span, object);
  const std::size_t count = span->fit->size_of(first);
  require_uncached(heap, bin_of_granules(count), object);
  return {first, count};
}

// The owner freed one object of a fit span. The last few of a size go straight back to its bin.
template <AddressSpace Os>
void SlabHeap<Os>::on_fit_free(ThreadHeap& heap, Span* span) noexcept {
  FreeObject* object = span->free;
  span->free = nullptr;
  span->need = 1;
  const std::size_t first = require_start(span, object);
  const std::size_t count = span->fit->size_of(first);
  const unsigned bin = bin_of_granules(count);
  require_uncached(heap, bin, object);
  if (heap.loose[bin].free == object) report_double_free(object);
  // One that is freed so often is better off in a slab: the bin runs dry, and asks for one.
  const bool is_cold = heap.object_bytes[bin] == 0;
  const bool is_often = heap.count_use(bin) && is_cold;
  if (is_often || !is_wanted(heap, bin, count)) return release_object(heap, span, first, count);
  heap.cached[bin] = static_cast<std::uint16_t>(heap.cached[bin] + count);
  heap.cached_granules += count;
  wait(heap, bin, object);
}

// Frees all objects in the span's list. The span is gone afterwards if it holds no other.
template <AddressSpace Os>
void SlabHeap<Os>::release_fit(ThreadHeap& heap, Span* span) noexcept {
  FreeObject* object = span->free;
  span->free = nullptr;
  span->need = 1;
  while (object != nullptr) {
    FreeObject* next = object->next;
    const std::size_t first = require_start(span, object);
    release_object(heap, span, first, span->fit->size_of(first));
    object = next;
  }
}

// pre: a live object of the span is these granules.
template <AddressSpace Os>
void SlabHeap<Os>::release_object(ThreadHeap& heap, Span* span, std::size_t first,
                                  std::size_t count) noexcept {
  FitTable* table = span->fit;
  FitArea& area = heap.areas[table->area];
  const std::size_t longest = table->longest;
  table->give(first, count);
  area.free_granules += count;
  --heap.fit_live[bin_of_granules(count)];
  --span->carved;
  area.lists.update(table, longest);
  if (!table->is_empty()) return;
  const bool is_orphan = heap.is_orphan.load(std::memory_order_relaxed);
  const bool has_other = area.empty != nullptr && area.empty != table && area.empty->is_empty();
  if (!is_orphan && !has_other) {
    area.empty = table;
  } else {
    drop_fit(heap, table);
  }
}

// Gives an empty fit span back.
template <AddressSpace Os>
void SlabHeap<Os>::drop_fit(ThreadHeap& heap, FitTable* table) noexcept {
  FitArea& area = heap.areas[table->area];
  Span* span = table->span;
  area.lists.remove(table);
  area.free_granules -= table->granules();
  if (area.empty == table) area.empty = nullptr;
  if (area.growing == table) area.growing = nullptr;
  table->release();
  table->next = heap.spare_tables;
  heap.spare_tables = table;
  span->owner.store(nullptr, std::memory_order_relaxed);
  const std::size_t pages = slab_pages(span->capacity, span->object_bytes());
  heap.owned_pages -= pages;
  runs_.free(span, pages, pages);
  discard_holes_if_due(heap);
}

template <AddressSpace Os>
FitTable* SlabHeap<Os>::take_table(ThreadHeap& heap) noexcept {
  if (FitTable* table = heap.spare_tables; table != nullptr) {
    heap.spare_tables = table->next;
    return table;
  }
  if (heap.unmade_table_count == 0) {
    constexpr std::size_t kBatchBytes = 3 * kPageBytes;
    void* memory = runs_.allocate_metadata(kBatchBytes);
    if (memory == nullptr) return nullptr;
    heap.unmade_tables = static_cast<FitTable*>(memory);
    heap.unmade_table_count = kBatchBytes / sizeof(FitTable);
  }
  --heap.unmade_table_count;
  return new (heap.unmade_tables++) FitTable;  // one at a time, for each takes a page or so
}

// Fresh pages to fit `count` granules in: the next ones of the span that grows, or of a new one. So
// all gaps are holes that something left.
template <AddressSpace Os>
FitLists::Gap SlabHeap<Os>::grow_fit(ThreadHeap& heap, FitArea& area, std::size_t count) noexcept {
  constexpr std::size_t kPage = FitTable::kGranulesPerPage;
  FitTable* table = area.growing;
  std::size_t first = 0;
  if (table != nullptr) {
    first = table->granules() - table->free_tail();
    if (align_up(first + count, kPage) > tuning::kFitPages * kPage) table = nullptr;
  }
  if (table == nullptr) {
    table = make_fit(heap);
    if (table == nullptr) return {nullptr, 0};
    table->area = static_cast<std::uint8_t>(&area - heap.areas);
    area.lists.insert(table);
    area.growing = table;
    first = 0;
  }
  // The search looks at a few tables only, so there may have been room without further pages.
  const std::size_t end = align_up(first + count, kPage);
  if (end > table->granules()) {
    area.free_granules += end - table->granules();
    const std::size_t longest = table->longest;
    table->extend(end);
    area.lists.update(table, longest);
  }
  return {table, first};
}

// A fresh span to fit objects in.
template <AddressSpace Os>
FitTable* SlabHeap<Os>::make_fit(ThreadHeap& heap) noexcept {
  rest_idle_bins_if_grown(heap);
  FitTable* table = take_table(heap);
  if (table == nullptr) return nullptr;
  // Who walks the spans for statistics takes it for an empty slab until it has its table.
  Span* span = allocate_run(heap, tuning::kFitPages);
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
  span->set_state(SpanState::kFit);
  span->owner.store(&heap, std::memory_order_relaxed);
  heap.owned_pages += tuning::kFitPages;
  return table;
}

template <AddressSpace Os>
FitArea& SlabHeap<Os>::area_of(ThreadHeap& heap, std::size_t granules) noexcept {
  return heap.areas[granules * FitTable::kGranuleBytes > kMaxSmallBytes];
}

// A gap of that size: in the size's own area, and for medium sizes also in that of the small ones.
template <AddressSpace Os>
FitLists::Gap SlabHeap<Os>::find_gap(ThreadHeap& heap, std::size_t granules) noexcept {
  FitArea& own = area_of(heap, granules);
  const FitLists::Gap gap = own.lists.find(granules);
  return gap.table != nullptr || &own == heap.areas ? gap : heap.areas[0].lists.find(granules);
}

// Opens one sparse slab to objects of other sizes, such as `granules`; false = there is none.
template <AddressSpace Os>
bool SlabHeap<Os>::open_sparse(ThreadHeap& heap, std::size_t granules) noexcept {
  static_assert(kFirstMediumBin == 65);
  const bool is_small = &area_of(heap, granules) == heap.areas;
  const std::uint64_t medium = heap.sparse_bins[1] & ~std::uint64_t{1};
  const std::uint64_t last_small = heap.sparse_bins[1] & 1;
  int bin = 0;
  if (!is_small && medium != 0) {
    bin = 64 + std::countr_zero(medium);
  } else if (last_small != 0) {
    bin = 64;
  } else if (heap.sparse_bins[0] != 0) {
    bin = 63 - std::countl_zero(heap.sparse_bins[0]);
  } else {
    return false;
  }
  return open_listed(heap, heap.sparse[bin].first());
}

// False = there is no memory for its table; it is in its list then, as before.
template <AddressSpace Os>
bool SlabHeap<Os>::open_listed(ThreadHeap& heap, Span* slab) noexcept {
  FitTable* table = take_table(heap);
  if (table == nullptr) return false;
  const std::uint32_t live = live_objects(*slab);
  unlist(heap, slab);  // with which its free granules are no longer those of a sparse slab
  uncount(heap, *slab);
  open_slab(heap, slab, live, table);
  return true;
}

// pre: the slab is in no list.
template <AddressSpace Os>
void SlabHeap<Os>::open_slab(ThreadHeap& heap, Span* slab, std::uint32_t live,
                             FitTable* table) noexcept {
  const std::size_t bytes = slab->object_bytes();
  const std::size_t size = bytes / FitTable::kGranuleBytes;
  const std::size_t pages = slab_pages(slab->capacity, bytes);
  // The list leads back and forth through a slab that has not been looked at for long.
  constexpr std::size_t kLineBytes = 64;
  for (const std::byte* line = start_of(slab); line < start_of(slab) + slab->carved * bytes;
       line += bytes < kLineBytes ? kLineBytes : bytes) {
    __builtin_prefetch(line);
  }
  // A tail that was never carved is hole enough.
  table->open_slab(slab, pages * FitTable::kGranulesPerPage, size, slab->carved, [&](auto visit) {
    for (const FreeObject* object = slab->free; object != nullptr; object = object->next) {
      visit(granule_of(slab, object));
    }
  });
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
}

// Granules between objects, and in sparse slabs. A span that holds nothing is no hole.
template <AddressSpace Os>
std::size_t SlabHeap<Os>::holes_of(const FitArea& area) noexcept {
  const bool has_empty = area.empty != nullptr && area.empty->is_empty();
  return area.free_granules + area.sparse_granules - (has_empty ? area.empty->granules() : 0);
}

// Granules of the heap but for holes: what is live, at least.
template <AddressSpace Os>
std::size_t SlabHeap<Os>::in_use(const ThreadHeap& heap) noexcept {
  const std::size_t held = heap.owned_pages * FitTable::kGranulesPerPage;
  return held - holes_of(heap.areas[0]) - holes_of(heap.areas[1]);
}

// Objects for a bin that has no slab left, out of holes; nullptr = there are none worth it. As long
// as holes are a small part of what the heap holds a slab is better, for its objects are freed
// faster.
template <AddressSpace Os>
FreeObject* SlabHeap<Os>::fill_from_holes(ThreadHeap& heap, unsigned bin) noexcept {
  const std::size_t size = heap.object_bytes[bin] / FitTable::kGranuleBytes;
  const std::size_t held = heap.owned_pages * FitTable::kGranulesPerPage;
  std::size_t holes = holes_of(heap.areas[0]);
  if (&area_of(heap, size) != heap.areas) holes += holes_of(heap.areas[1]);
  if (holes < tuning::kMinHoles || holes * tuning::kHoleShare < held) return nullptr;
  // Nor is a hole right for what was freed from holes often of late: the next slab is due.
  if (heap.cold_uses[bin] >= tuning::kFillUses) {
    heap.cold_uses[bin] = 0;
    return nullptr;
  }
  for (;;) {
    std::size_t count = tuning::kMaxFillGranules / size;
    if (count == 0) count = 1;
    for (; count > 0 && count * size >= tuning::kMinFillGranules; count /= 2) {
      if (FreeObject* object = take_row(heap, bin, size, count); object != nullptr) return object;
    }
    if (!open_sparse(heap, size)) return nullptr;
  }
}

template <AddressSpace Os>
FreeObject* SlabHeap<Os>::take_row(ThreadHeap& heap, unsigned bin, std::size_t size,
                                   std::size_t count) noexcept {
  const bool is_medium = &area_of(heap, size) != heap.areas;
  const FitLists::Gap gap =
      is_medium ? find_gap(heap, size * count) : heap.areas[0].lists.find(size * count);
  if (gap.table == nullptr) return nullptr;
  FitTable* table = gap.table;
  FitArea& area = heap.areas[table->area];
  const std::size_t first = gap.first;
  table->take_row(first, size, count);
  area.free_granules -= size * count;
  Span* span = table->span;
  span->carved = static_cast<std::uint16_t>(span->carved + count);
  heap.fit_live[bin] += static_cast<std::uint32_t>(count);
  std::byte* start = start_of(span) + first * FitTable::kGranuleBytes;
  FreeObject* next = nullptr;
  for (std::size_t i = count; i-- > 1;) {
    auto* object = reinterpret_cast<WaitingObject*>(start + i * size * FitTable::kGranuleBytes);
    object->next = next;
    object->count = count - i;
    next = object;
  }
  heap.loose[bin].free = next;
  heap.bins[bin] = &heap.loose[bin];
  return reinterpret_cast<FreeObject*>(start);
}

}  // namespace mem
