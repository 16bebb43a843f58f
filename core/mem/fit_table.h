// The fit table of a span whose objects differ in size: which of its 16-byte granules are free, and
// where each object ends, out of line. Free granules next to each other are one gap without more
// being done, so any size finds room wherever enough of any sizes was freed: it is a first-fit heap
// whose boundary tags are bits, 2 for 16 bytes, and whose objects need no header.
//
//   granules   | A A A | . . | B | C C | . . . |
//   free         0 0 0   1 1   0   0 0   1 1 1       an index of runs (run_index.h), to search by
//   end          0 0 1   0 0   1   0 1   0 0 0       an object's last granule
//
// Owned by one thread, but size_of() is asked by any: an object's own end bits do not change while it
// lives, and words are read and written whole.
//
// find, take, give: O(granules / 64) at worst, mostly one word. size_of: O(size / 1 KiB).
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/run_index.h"
#include "core/mem/span.h"

namespace mem {

class FitTable {
 public:
  static constexpr std::size_t kGranuleBytes = 16;
  static constexpr std::size_t kMaxGranules = 4096;
  static constexpr std::size_t kGranulesPerPage = kPageBytes / kGranuleBytes;
  static constexpr std::size_t kNone = RunIndex::kNone;

  // The table of a span of whose granules only the first `granules` are in use yet, all free.
  // pre: this memory is zero, or was released.
  void open(Span* of, std::size_t granules) noexcept {
    index_.init(kMaxGranules, bits_, summaries_);
    granules_ = 0;
    span = of;
    longest = 0;
    if (granules != 0) extend(granules);
  }
  // Takes further granules into use, up to `granules` in all.
  void extend(std::size_t granules) noexcept {
    index_.set(granules_, granules - granules_, true);
    granules_ = granules;
  }
  std::size_t granules() const noexcept { return granules_; }
  // Free granules at the end of those in use.
  std::size_t free_tail() const noexcept { return index_.free_before(granules_); }
  // pre: every granule is free.
  void release() noexcept { index_.set(0, granules_, false); }

  bool is_empty() const noexcept { return index_.free_pages() == granules_; }
  std::size_t used_granules() const noexcept { return granules_ - index_.free_pages(); }
  std::size_t free_granules() const noexcept { return index_.free_pages(); }

  // The lowest gap of `count` granules, or kNone.
  std::size_t find(std::size_t count) const noexcept { return index_.find(count); }

  // Makes free granules an object. pre: count > 0.
  void take(std::size_t first, std::size_t count) noexcept {
    index_.set(first, count, false);
    flip_end(first + count - 1);
  }
  // Makes `count` objects of `size` granules each, side by side.
  void take_row(std::size_t first, std::size_t size, std::size_t count) noexcept {
    index_.set(first, size * count, false);
    for (std::size_t i = 1; i <= count; ++i) flip_end(first + i * size - 1);
  }
  // Frees an object; returns its granules.
  std::size_t give(std::size_t first) noexcept {
    const std::size_t count = size_of(first);
    flip_end(first + count - 1);
    index_.set(first, count, true);
    return count;
  }
  // Leaves an object `count` granules. false = those behind it are not free, and nothing changed.
  bool resize(std::size_t first, std::size_t count) noexcept {
    const std::size_t old = size_of(first);
    if (count > old && (first + count > granules_ || !index_.are_free(first + old, count - old))) {
      return false;
    }
    if (count == old) return true;
    flip_end(first + old - 1);
    flip_end(first + count - 1);
    if (count > old) {
      index_.set(first + old, count - old, false);
    } else {
      index_.set(first + count, old - count, true);
    }
    return true;
  }

  // Granules of the object that starts at `first`. Any thread. pre: it lives.
  std::size_t size_of(std::size_t first) const noexcept {
    std::size_t word = first / 64;
    std::uint64_t bits = ends_[word].load(std::memory_order_relaxed) >> (first % 64);
    if (bits != 0) return static_cast<std::size_t>(std::countr_zero(bits)) + 1;
    while (++word < kMaxGranules / 64) {
      bits = ends_[word].load(std::memory_order_relaxed);
      if (bits != 0) {
        return word * 64 + static_cast<std::size_t>(std::countr_zero(bits)) - first + 1;
      }
    }
    return granules_ - first;
  }

  // Whether an object starts there. For the owner.
  bool is_start(std::size_t granule) const noexcept {
    if (granule >= granules_ || index_.is_free(granule)) return false;
    return granule == 0 || index_.is_free(granule - 1) || is_end(granule - 1);
  }
  bool is_free(std::size_t granule) const noexcept { return index_.is_free(granule); }

  std::size_t update_longest() noexcept { return longest = index_.longest(); }

  // 0, or the number of the first invariant of the index that does not hold.
  int check() const noexcept {
    if (const int broken = index_.check(kMaxGranules); broken != 0) return broken;
    return longest == index_.longest() ? 0 : 125;
  }

  // For the list of tables that it is in.
  Span* span = nullptr;
  FitTable* next = nullptr;
  FitTable* prev = nullptr;
  std::size_t longest = 0;  // granules of the largest gap
  std::uint8_t area = 0;    // of its heap

 private:
  bool is_end(std::size_t granule) const noexcept {
    return (ends_[granule / 64].load(std::memory_order_relaxed) >> (granule % 64) & 1) != 0;
  }
  // Only the owner writes, so no read-modify-write is needed.
  void flip_end(std::size_t granule) noexcept {
    std::atomic<std::uint64_t>& word = ends_[granule / 64];
    word.store(word.load(std::memory_order_relaxed) ^ std::uint64_t{1} << (granule % 64),
               std::memory_order_relaxed);
  }

  RunIndex index_;
  std::size_t granules_ = 0;
  RunIndex::Summary summaries_[RunIndex::summary_bytes(kMaxGranules) / sizeof(RunIndex::Summary)] =
      {};
  std::uint64_t bits_[kMaxGranules / 64] = {};
  std::atomic<std::uint64_t> ends_[kMaxGranules / 64] = {};
};

// The tables of one heap, by the size of their largest gap: 4 lists a doubling. O(1).
class FitLists {
 public:
  constexpr FitLists() noexcept = default;

  static constexpr unsigned list_of(std::size_t granules) noexcept {
    if (granules < 4) return static_cast<unsigned>(granules);
    const unsigned log = floor_log2(granules);
    return log * 4 - 4 + (static_cast<unsigned>(granules >> (log - 2)) & 3);
  }

  void insert(FitTable* table) noexcept {
    const unsigned i = list_of(table->longest);
    table->prev = nullptr;
    table->next = first_[i];
    if (first_[i] != nullptr) first_[i]->prev = table;
    first_[i] = table;
    bitmap_ |= std::uint64_t{1} << i;
  }
  // pre: `longest` is what it was inserted with.
  void remove(FitTable* table) noexcept {
    const unsigned i = list_of(table->longest);
    if (table->next != nullptr) table->next->prev = table->prev;
    (table->prev != nullptr ? table->prev->next : first_[i]) = table->next;
    if (first_[i] == nullptr) bitmap_ &= ~(std::uint64_t{1} << i);
  }
  // After a change of its gaps.
  void update(FitTable* table) noexcept {
    const std::size_t before = table->longest;
    if (table->update_longest() == before) return;
    const std::size_t now = table->longest;
    if (list_of(now) == list_of(before)) return;
    table->longest = before;
    remove(table);
    table->longest = now;
    insert(table);
  }
  // A table with a gap of that size, of those with the smallest largest gap; nullptr = none.
  FitTable* find(std::size_t granules) const noexcept {
    const unsigned own = list_of(granules);
    FitTable* table = first_[own];
    for (int probe = 0; table != nullptr && probe < kProbes; ++probe, table = table->next) {
      if (table->longest >= granules) return table;
    }
    const std::uint64_t larger = bitmap_ & ~std::uint64_t{0} << own & ~(std::uint64_t{1} << own);
    return larger != 0 ? first_[std::countr_zero(larger)] : nullptr;
  }
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (FitTable* table : first_) {
      for (; table != nullptr; table = table->next) visit(*table);
    }
  }

 private:
  static constexpr int kProbes = 4;
  static constexpr unsigned kLists = 45;
  static_assert(kLists > 12 * 4 - 4);  // list_of(kMaxGranules)

  FitTable* first_[kLists] = {};
  std::uint64_t bitmap_ = 0;
};

}  // namespace mem
