// What check() leaves out: the counters and lists of a thread heap, counted again from its spans.
// For a heap at rest; the answer is the first thing that does not fit, or "".
#pragma once

#include <set>
#include <string>

#include "core/mem/mem_heap.h"
#include "core/mem/mem_heap_impl.h"
#include "core/mem/run_heap_impl.h"
#include "core/mem/slab_heap_discard_impl.h"
#include "core/mem/slab_heap_fit_impl.h"
#include "core/mem/slab_heap_impl.h"
#include "core/mem/slab_heap_threads_impl.h"
#include "core/mem/slab_heap_waiting_impl.h"

namespace mem {

template <class Os>
class MemHeapAudit {
 public:
  static std::string of(MemHeap<Os>& heap, ThreadHeap& thread) {
    MemHeapAudit audit(heap, thread);
    if (const int broken = heap.check(thread); broken != 0) {
      return "check() answers " + std::to_string(broken);
    }
    heap.runs().for_each_span([&](Span& span) {
      if (span.is_owned() && span.owner.load() == &thread) audit.count(span);
    });
    audit.compare();
    return audit.found_;
  }

 private:
  MemHeapAudit(MemHeap<Os>& heap, ThreadHeap& thread) : heap_(heap), thread_(thread) {}

  void expect(bool holds, const char* what) {
    if (!holds) found(what);
  }
  template <class N, class M>
  void expect_equal(N is, M should_be, const char* what) {
    if (static_cast<std::uint64_t>(is) == static_cast<std::uint64_t>(should_be)) return;
    found(what + (" is " + std::to_string(is)) + ", not " + std::to_string(should_be));
  }
  void found(const std::string& what) {
    if (!found_.empty()) return;
    found_ = bin_ == kBins ? what : "bin " + std::to_string(bin_) + ": " + what;
  }
  static unsigned area_of(std::size_t bytes) { return bytes > kMaxSmallBytes ? 1 : 0; }
  static unsigned bin_of(std::size_t bytes) {
    return bytes <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(bytes)) : medium_bin(bytes);
  }

  void count(Span& span) {
    pages_ += slab_pages(span.capacity, span.object_bytes());
    if (span.state() == SpanState::kFit) return count_fit(span);
    if (span.state() != SpanState::kSparse || &span == thread_.kept[span.bin]) return;
    ++sparse_[span.bin];
    const std::size_t sparse_at = span.capacity / tuning::kSparse;
    sparse_granules_[area_of(span.object_bytes())] +=
        (span.capacity - sparse_at) * span.object_bytes() / 16;
    expect(span.need <= sparse_at, "a sparse slab has too many live objects");
  }
  void count_fit(Span& span) {
    FitTable& table = *span.fit;
    expect(table.span == &span, "a table is another span's");
    std::size_t objects = 0;
    std::size_t used = 0;
    for (std::size_t granule = 0; granule < table.granules(); ++granule) {
      if (!table.is_start(granule)) continue;
      const std::size_t size = table.size_of(granule);
      ++objects;
      used += size;
      ++fit_live_[bin_of(size * 16)];
    }
    expect_equal(table.used_granules(), used, "used granules");
    expect_equal(span.carved, objects, "objects of a fit span");
    expect_equal(span.need, 1, "need of a fit span");
    expect(span.free == nullptr, "a fit span has a free list");
    FitArea& area = thread_.areas[table.area];
    if (objects == 0) expect(area.empty == &table, "an empty table is not given back");
    ++tables_[table.area];
    free_granules_[table.area] += table.free_granules();
  }

  void compare() {
    expect_equal(thread_.owned_pages, pages_, "owned_pages");
    for (unsigned i = 0; i < 2; ++i) {
      FitArea& area = thread_.areas[i];
      expect_equal(area.free_granules, free_granules_[i], "free_granules");
      expect_equal(area.sparse_granules, sparse_granules_[i], "sparse_granules");
      std::size_t listed = 0;
      area.lists.for_each([&](FitTable& table) {
        ++listed;
        expect(table.area == i, "a table is in another area's list");
      });
      expect_equal(listed, tables_[i], "tables in lists");
    }
    std::size_t cached = 0;
    for (unsigned bin = 0; bin < kBins; ++bin) {
      bin_ = bin;
      cached += thread_.cached[bin];
      expect_equal(thread_.fit_live[bin], fit_live_[bin], "fit_live");
      std::size_t listed = 0;
      for (Span* slab = thread_.sparse[bin].first(); slab != nullptr; slab = slab->next) ++listed;
      expect_equal(listed, sparse_[bin], "sparse slabs");
      expect_equal(thread_.sparse_bins[bin / 64] >> (bin % 64) & 1, listed != 0 ? 1 : 0,
                   "sparse_bins");
      compare_bin(bin);
    }
    bin_ = kBins;
    expect_equal(thread_.cached_granules, cached, "cached_granules");
  }
  void compare_bin(unsigned bin) {
    if (const Span* kept = thread_.kept[bin]; kept != nullptr) {
      expect(kept->owner.load() == &thread_ && SlabHeap<Os>::live_objects(*kept) == 0,
             "the kept slab is not an empty one");
    }
    const FreeSource* source = thread_.bins[bin];
    expect(source == &no_slab || source == thread_.current[bin] || source == &thread_.loose[bin],
           "takes from nowhere");
    std::set<const void*> seen;
    for (FreeObject* object = thread_.loose[bin].free; object != nullptr; object = object->next) {
      if (!seen.insert(object).second) return found("an object is in it twice");
      const Span* span = heap_.map().find(object);
      if (span == nullptr || span->owner.load() != &thread_) {
        return found("an object of somebody else is in it");
      }
      expect(span->state() == SpanState::kFit || bin >= kFirstMediumBin,
             "a small object of a slab is in it");
      const std::size_t usable = heap_.usable_size(object);
      expect(bin_of(usable) == bin, "an object in it is of another's size");
      expect(usable >= thread_.object_bytes[bin], "an object is too small for it");
    }
  }

  MemHeap<Os>& heap_;
  ThreadHeap& thread_;
  std::string found_;
  unsigned bin_ = kBins;  // the one that is looked at, or none
  std::size_t pages_ = 0;
  std::size_t tables_[2] = {};
  std::size_t free_granules_[2] = {};
  std::size_t sparse_granules_[2] = {};
  std::size_t fit_live_[kBins] = {};
  std::size_t sparse_[kBins] = {};
};

template <class Os>
std::string audit(MemHeap<Os>& heap, ThreadHeap& thread) {
  return MemHeapAudit<Os>::of(heap, thread);
}

}  // namespace mem
