// The fit table of a span whose objects differ in size: which of its 16-byte granules are free, and
// where each object ends, out of line. Free granules next to each other are one gap without more
// being done, so any size finds room wherever enough of any sizes was freed: it is a first-fit heap
// whose boundary tags are bits, 2 for 16 bytes, and whose objects need no header.
//
//   granules   | A A A | . . | B | C C | . . . |
//   free         0 0 0   1 1   0   0 0   1 1 1
//   end          0 0 1   0 0   1   0 1   0 0 0       an object's last granule
//
// Owned by one thread, but size_of() is asked by any: an object's own end bits do not change while
// it lives, and words are read and written whole.
//
// Pages that are free as a whole may have been given back to the kernel: a bit for each, until an
// object takes of it again.
//
// Two words of summaries say which words of bits have any free granule, and which are free as a
// whole, so full stretches are not looked at and wide gaps are measured at once.
//
// find: O(words with gaps too small), at most 64. take, give, size_of: O(size / 1 KiB).
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/span.h"

namespace mem {

class FitTable {
 public:
  static constexpr std::size_t kGranuleBytes = 16;
  static constexpr std::size_t kMaxGranules = 4096;
  static constexpr std::size_t kGranulesPerPage = kPageBytes / kGranuleBytes;
  static constexpr std::size_t kMaxPages = kMaxGranules / kGranulesPerPage;
  static constexpr std::size_t kNone = SIZE_MAX;

  // The table of a span of whose granules only the first `granules` are in use yet, all free.
  // pre: this memory is zero, or was released.
  void open(Span* of, std::size_t granules) noexcept {
    granules_ = 0;
    free_granules_ = 0;
    span = of;
    longest = 0;
    discarded_ = 0;
    if (granules != 0) extend(granules);
  }
  // Takes further granules into use, up to `granules` in all.
  void extend(std::size_t granules) noexcept {
    set_bits(granules_, granules - granules_, true);
    granules_ = granules;
    note_gap(free_before(granules_));
  }
  // pre: every granule is free.
  void release() noexcept {
    if (granules_ != 0) set_bits(0, granules_, false);
  }

  std::size_t granules() const noexcept { return granules_; }
  std::size_t free_granules() const noexcept { return free_granules_; }
  std::size_t used_granules() const noexcept { return granules_ - free_granules_; }
  bool is_empty() const noexcept { return free_granules_ == granules_; }
  // Pages, a bit for each: that are free as a whole and were not given back, and that were.
  std::uint32_t pages_to_discard() const noexcept {
    std::uint64_t whole = all_free_ & all_free_ >> 1;
    whole &= whole >> 2;  // the bits at multiples of 4 now stand for pages
    std::uint32_t pages = 0;
    for (std::size_t page = 0; page < kMaxPages; ++page) {
      pages |= static_cast<std::uint32_t>(whole >> (page * kWordsPerPage) & 1) << page;
    }
    return pages & ~discarded_;
  }
  std::uint32_t discarded_pages() const noexcept { return discarded_; }
  // pre: they are free as a whole.
  void note_discarded(std::uint32_t pages) noexcept { discarded_ |= pages; }

  // Free granules at the end of those in use.
  std::size_t free_tail() const noexcept { return free_before(granules_); }

  // The lowest gap of `count` granules, or kNone. pre: count > 0.
  std::size_t find(std::size_t count) const noexcept {
    return count <= 128 ? find_short(count) : find_long(count);
  }

  // Makes free granules an object. pre: count > 0.
  void take(std::size_t first, std::size_t count) noexcept {
    set_bits(first, count, false);
    flip_end(first + count - 1);
  }
  // Makes `count` objects of `size` granules each, side by side.
  void take_row(std::size_t first, std::size_t size, std::size_t count) noexcept {
    set_bits(first, size * count, false);
    for (std::size_t i = 1; i <= count; ++i) flip_end(first + i * size - 1);
  }
  // Frees an object. pre: it has `count` granules.
  void give(std::size_t first, std::size_t count) noexcept {
    flip_end(first + count - 1);
    set_bits(first, count, true);
    note_gap(free_before(first) + count + free_from(first + count));
  }
  // Leaves an object `count` granules. false = those behind it are not free, and nothing changed.
  bool resize(std::size_t first, std::size_t count) noexcept {
    const std::size_t old = size_of(first);
    if (count > old && (first + count > granules_ || free_from(first + old) < count - old)) {
      return false;
    }
    if (count == old) return true;
    flip_end(first + old - 1);
    flip_end(first + count - 1);
    if (count > old) {
      set_bits(first + old, count - old, false);
    } else {
      set_bits(first + count, old - count, true);
      note_gap(free_from(first + count));
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
    if (granule >= granules_ || is_free(granule)) return false;
    return granule == 0 || is_free(granule - 1) || is_end(granule - 1);
  }
  bool is_free(std::size_t granule) const noexcept {
    return (bits_[granule / 64] >> (granule % 64) & 1) != 0;
  }

  // 0, or the number of an invariant (slab_heap.h) that does not hold.
  int check() const noexcept {
    for (std::size_t w = 0; w < kWords; ++w) {
      if ((some_free_ >> w & 1) != (bits_[w] != 0) || (all_free_ >> w & 1) != (~bits_[w] == 0)) {
        return 127;
      }
    }
    std::size_t free = 0;
    for (std::size_t granule = 0; granule < kMaxGranules; ++granule) {
      if (!is_free(granule)) continue;
      ++free;
      if (granule >= granules_ || is_end(granule)) return 126;
      if (free_from(granule) > longest) return 125;
    }
    const std::uint32_t resident = pages_to_discard();
    for (std::size_t page = 0; page < kMaxPages; ++page) {
      const bool is_whole = free_from(page * kGranulesPerPage) >= kGranulesPerPage;
      if ((((resident | discarded_) >> page) & 1) != is_whole) return 128;
    }
    return free == free_granules_ ? 0 : 126;
  }

  // For the list of tables that it is in.
  Span* span = nullptr;
  FitTable* next = nullptr;
  FitTable* prev = nullptr;
  std::size_t longest = 0;  // granules; no gap is larger
  std::uint8_t area = 0;    // of its heap

 private:
  static constexpr std::uint64_t starts_of_runs(std::uint64_t bits, std::size_t length) noexcept {
    for (std::size_t known = 1; known < length;) {
      const std::size_t step = length - known < known ? length - known : known;
      bits &= bits >> step;
      known += step;
    }
    return bits;
  }
  // Word by word, of those that have any free granule.
  std::size_t find_short(std::size_t count) const noexcept {
    std::size_t run = 0;      // free granules that end where the word starts
    std::size_t follows = 0;  // the word behind the one before
    for (std::uint64_t words = some_free_; words != 0; words &= words - 1) {
      const auto w = static_cast<std::size_t>(std::countr_zero(words));
      const std::uint64_t bits = bits_[w];
      if (w != follows) run = 0;
      follows = w + 1;
      const auto lead = static_cast<std::size_t>(std::countr_one(bits));
      if (run + lead >= count) return w * 64 - run;
      if (lead == 64) {
        run += 64;
        continue;
      }
      if (count < 64) {
        const std::uint64_t starts = starts_of_runs(bits, count);
        if (starts != 0) return w * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      }
      run = static_cast<std::size_t>(std::countl_one(bits));
    }
    return kNone;
  }
  // More than 128 granules have a word among them that is free as a whole.
  std::size_t find_long(std::size_t count) const noexcept {
    for (std::uint64_t words = all_free_; words != 0;) {
      const auto w = static_cast<std::size_t>(std::countr_zero(words));
      const auto length = static_cast<std::size_t>(std::countr_one(words >> w));
      const std::size_t first = w * 64 - free_before(w * 64);
      const std::size_t end = (w + length) * 64;
      const std::size_t tail =
          w + length < kWords ? static_cast<std::size_t>(std::countr_one(bits_[w + length])) : 0;
      if (end + tail - first >= count) return first;
      words = w + length < kWords ? words >> (w + length) << (w + length) : 0;
    }
    return kNone;
  }
  void note_gap(std::size_t granules) noexcept {
    if (granules > longest) longest = granules;
  }
  // pre: the granules are all free, or none is, and `free` is the opposite. count > 0.
  void set_bits(std::size_t first, std::size_t count, bool free) noexcept {
    free_granules_ = free ? free_granules_ + count : free_granules_ - count;
    const std::size_t last = first + count - 1;
    if (!free && discarded_ != 0) {
      const std::size_t from = first / kGranulesPerPage;
      const std::size_t to = last / kGranulesPerPage;
      discarded_ &= ~((std::uint32_t{2} << to) - (std::uint32_t{1} << from));
    }
    const std::uint64_t head = ~std::uint64_t{0} << (first % 64);
    const std::uint64_t tail = ~std::uint64_t{0} >> (63 - last % 64);
    const std::size_t w = first / 64;
    const std::size_t end = last / 64;
    if (w == end) return flip(w, head & tail);
    flip(w, head);
    flip(end, tail);
    for (std::size_t i = w + 1; i < end; ++i) bits_[i] = free ? ~std::uint64_t{0} : 0;
    const std::uint64_t between = (std::uint64_t{1} << end) - (std::uint64_t{2} << w);
    some_free_ = free ? some_free_ | between : some_free_ & ~between;
    all_free_ = free ? all_free_ | between : all_free_ & ~between;
  }
  void flip(std::size_t w, std::uint64_t mask) noexcept {
    bits_[w] ^= mask;
    const std::uint64_t word = std::uint64_t{1} << w;
    some_free_ = bits_[w] != 0 ? some_free_ | word : some_free_ & ~word;
    all_free_ = ~bits_[w] == 0 ? all_free_ | word : all_free_ & ~word;
  }
  // Free granules from `first` on, and before `end`: to the end of their word, over the words that
  // are free as a whole, and into the one after these.
  std::size_t free_from(std::size_t first) const noexcept {
    if (first == kMaxGranules) return 0;
    const std::size_t from = first % 64;
    std::size_t w = first / 64;
    const auto here = static_cast<std::size_t>(std::countr_one(bits_[w] >> from));
    if (here < 64 - from || ++w == kWords) return here;
    const auto whole = static_cast<std::size_t>(std::countr_one(all_free_ >> w));
    w += whole;
    const auto rest = w < kWords ? static_cast<std::size_t>(std::countr_one(bits_[w])) : 0;
    return here + whole * 64 + rest;
  }
  std::size_t free_before(std::size_t end) const noexcept {
    if (end == 0) return 0;
    const std::size_t last = (end - 1) % 64;
    const std::size_t w = (end - 1) / 64;
    const auto here = static_cast<std::size_t>(std::countl_one(bits_[w] << (63 - last)));
    if (here <= last || w == 0) return here;
    const auto whole = static_cast<std::size_t>(std::countl_one(all_free_ << (64 - w)));
    const auto rest =
        whole < w ? static_cast<std::size_t>(std::countl_one(bits_[w - whole - 1])) : 0;
    return here + whole * 64 + rest;
  }
  bool is_end(std::size_t granule) const noexcept {
    return (ends_[granule / 64].load(std::memory_order_relaxed) >> (granule % 64) & 1) != 0;
  }
  // Only the owner writes, so no read-modify-write is needed.
  void flip_end(std::size_t granule) noexcept {
    std::atomic<std::uint64_t>& word = ends_[granule / 64];
    word.store(word.load(std::memory_order_relaxed) ^ std::uint64_t{1} << (granule % 64),
               std::memory_order_relaxed);
  }

  static constexpr std::size_t kWords = kMaxGranules / 64;
  static_assert(kWords == 64);  // as many as a word has bits
  static constexpr std::size_t kWordsPerPage = kGranulesPerPage / 64;
  static_assert(kWordsPerPage == 4 && kMaxPages <= 32);

  std::size_t granules_ = 0;
  std::size_t free_granules_ = 0;
  std::uint32_t discarded_ = 0;
  std::uint64_t some_free_ = 0;  // a bit for each word below: has it a free granule,
  std::uint64_t all_free_ = 0;   // and no other
  std::uint64_t bits_[kWords] = {};
  std::atomic<std::uint64_t> ends_[kWords] = {};
};

// The tables of one heap, by the size of their largest gap as far as it is known: 4 lists a
// doubling. find: O(1), and the tables that turn out to have no such gap. The others: O(1).
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
  // Changes `longest`, which was `before` when the table was inserted.
  void update(FitTable* table, std::size_t before) noexcept {
    const std::size_t now = table->longest;
    if (list_of(now) == list_of(before)) return;
    table->longest = before;
    remove(table);
    table->longest = now;
    insert(table);
  }

  struct Gap {
    FitTable* table;  // nullptr = none
    std::size_t first;
  };
  // The lowest gap of so many granules in a table whose largest is not much larger. A table that
  // was thought to have one and has none is known better afterwards.
  Gap find(std::size_t granules) noexcept {
    for (;;) {
      FitTable* table = candidate(granules);
      if (table == nullptr) return {nullptr, 0};
      const std::size_t first = table->find(granules);
      if (first != FitTable::kNone) return {table, first};
      const std::size_t before = table->longest;
      table->longest = granules - 1;
      update(table, before);
    }
  }
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (FitTable* table : first_) {
      for (; table != nullptr; table = table->next) visit(*table);
    }
  }

 private:
  FitTable* candidate(std::size_t granules) const noexcept {
    const unsigned own = list_of(granules);
    FitTable* table = first_[own];
    for (int probe = 0; table != nullptr && probe < kProbes; ++probe, table = table->next) {
      if (table->longest >= granules) return table;
    }
    const std::uint64_t larger = bitmap_ & ~std::uint64_t{0} << own & ~(std::uint64_t{1} << own);
    return larger != 0 ? first_[std::countr_zero(larger)] : nullptr;
  }

  static constexpr int kProbes = 4;
  static constexpr unsigned kLists = 45;
  static_assert(kLists > 12 * 4 - 4);  // list_of(kMaxGranules)

  FitTable* first_[kLists] = {};
  std::uint64_t bitmap_ = 0;
};

}  // namespace mem
