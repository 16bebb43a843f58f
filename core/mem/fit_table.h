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
// whole, so full stretches are not looked at and wide gaps are measured at once. For narrow gaps,
// a hint for each class of sizes says where the search before ended.
//
// find, widest: O(words with gaps too small), at most 64. take, give, size_of: O(size / 1 KiB).
// open_slab: O(objects).
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/span.h"

namespace mem {

// Sizes in granules by class, 4 a doubling; below 8 each has its own. O(1).
constexpr unsigned granules_class(std::size_t granules) noexcept {
  if (granules < 4) return static_cast<unsigned>(granules);
  const unsigned log = floor_log2(granules);
  return log * 4 - 4 + (static_cast<unsigned>(granules >> (log - 2)) & 3);
}

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
    for (std::uint8_t& hint : hints_) hint = 0;
    if (granules != 0) extend(granules);
  }
  // The table of what was a slab: `count` objects of `size` granules from the first one on, of
  // which for_each_free(visit) tells those that are free by their first granule. What lies behind
  // them is free. pre: as of open(). O(count + granules / 64).
  template <class ForEachFree>
  void open_slab(Span* of, std::size_t granules, std::size_t size, std::size_t count,
                 ForEachFree for_each_free) noexcept {
    open(of, 0);
    granules_ = granules;
    for (std::size_t i = 1; i <= count; ++i) flip_end(i * size - 1);
    const std::uint64_t object = size < 64 ? (std::uint64_t{1} << size) - 1 : ~std::uint64_t{0};
    for_each_free([&](std::size_t first) {
      flip_end(first + size - 1);
      if (first % 64 + size > 64) return add_free(first, size);
      bits_[first / 64] |= object << (first % 64);
      free_granules_ += size;
    });
    add_free(size * count, granules - size * count);
    summarize();
    longest = widest();
  }
  // Takes further granules into use, up to `granules` in all.
  void extend(std::size_t granules) noexcept {
    set_bits<true>(granules_, granules - granules_);
    granules_ = granules;
    note_gap(granules_ - free_before(granules_), free_before(granules_));
  }
  // pre: every granule is free.
  void release() noexcept {
    if (granules_ != 0) set_bits<false>(0, granules_);
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
  std::size_t find(std::size_t count) noexcept {
    if (count < kSurelyWide) {
      const std::size_t found = find_narrow(count);
      if (found != kNone) {
        hints_[granules_class(count - 1) + 1] = static_cast<std::uint8_t>(found / 64);
      }
      return found;
    }
    return find_wide([count](std::size_t, std::size_t gap) { return gap >= count; });
  }

  // No gap has more granules; exact if one has a word free as a whole for sure.
  std::size_t widest() const noexcept {
    std::size_t most = kSurelyWide - 1;
    find_wide([&](std::size_t, std::size_t count) {
      most = count > most ? count : most;
      return false;
    });
    return most;
  }

  // Makes free granules an object. pre: count > 0.
  void take(std::size_t first, std::size_t count) noexcept {
    set_bits<false>(first, count);
    flip_end(first + count - 1);
  }
  // Makes `count` objects of `size` granules each, side by side.
  void take_row(std::size_t first, std::size_t size, std::size_t count) noexcept {
    set_bits<false>(first, size * count);
    for (std::size_t i = 1; i <= count; ++i) flip_end(first + i * size - 1);
  }
  // Frees an object. pre: it has `count` granules.
  void give(std::size_t first, std::size_t count) noexcept {
    flip_end(first + count - 1);
    set_bits<true>(first, count);
    std::size_t gap = count;
    if (first + count != granules_ && is_free(first + count)) gap += free_from(first + count);
    if (first != 0 && is_free(first - 1)) {
      const std::size_t before = free_before(first);
      first -= before;
      gap += before;
    }
    note_gap(first, gap);
  }
  // Free granules behind an object that ends where `end` starts.
  std::size_t room_behind(std::size_t end) const noexcept { return free_from(end); }
  // Leaves an object of `old` granules `count`. pre: those that it grows by are free.
  void resize(std::size_t first, std::size_t old, std::size_t count) noexcept {
    if (count == old) return;
    flip_end(first + old - 1);
    flip_end(first + count - 1);
    if (count > old) {
      set_bits<false>(first + old, count - old);
    } else {
      set_bits<true>(first + count, old - count);
      note_gap(first + count, free_from(first + count));
    }
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
      const std::size_t gap = free_from(granule);
      if (gap > longest) return 125;
      if (granule == 0 || !is_free(granule - 1)) {
        for (std::size_t size = 1; size <= gap && size < kSurelyWide; ++size) {
          if (granule / 64 < hints_[granules_class(size)]) return 129;
        }
      }
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
    for (std::size_t known = 1; known < length && bits != 0;) {
      const std::size_t step = length - known < known ? length - known : known;
      bits &= bits >> step;
      known += step;
    }
    return bits;
  }
  // Word by word, of those that have any free granule.
  std::size_t find_narrow(std::size_t count) const noexcept {
    std::size_t run = 0;      // free granules that end where the word starts
    std::size_t follows = 0;  // the word behind the one before
    const std::uint64_t from = ~std::uint64_t{0} << hints_[granules_class(count)];
    for (std::uint64_t words = some_free_ & from; words != 0; words &= words - 1) {
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
  // The first granule of the lowest gap that has a word free as a whole, and that visit(first,
  // granules) agrees to; or kNone.
  template <class Visit>
  std::size_t find_wide(Visit visit) const noexcept {
    for (std::uint64_t words = all_free_; words != 0;) {
      const auto w = static_cast<std::size_t>(std::countr_zero(words));
      const auto length = static_cast<std::size_t>(std::countr_one(words >> w));
      const std::size_t first = w * 64 - free_before(w * 64);
      const std::size_t end = (w + length) * 64;
      const std::size_t tail =
          w + length < kWords ? static_cast<std::size_t>(std::countr_one(bits_[w + length])) : 0;
      if (visit(first, end + tail - first)) return first;
      words = w + length < kWords ? words >> (w + length) << (w + length) : 0;
    }
    return kNone;
  }
  void note_gap(std::size_t first, std::size_t granules) noexcept {
    if (granules > longest) longest = granules;
    const auto word = static_cast<std::uint8_t>(first / 64);
    for (std::uint8_t& hint : hints_) hint = hint < word ? hint : word;
  }
  // pre: the granules are all free, or none is, and kFree is the opposite. count > 0.
  template <bool kFree>
  void set_bits(std::size_t first, std::size_t count) noexcept {
    free_granules_ = kFree ? free_granules_ + count : free_granules_ - count;
    const std::size_t last = first + count - 1;
    if (!kFree && discarded_ != 0) {
      const std::size_t from = first / kGranulesPerPage;
      const std::size_t to = last / kGranulesPerPage;
      discarded_ &= ~((std::uint32_t{2} << to) - (std::uint32_t{1} << from));
    }
    const std::uint64_t head = ~std::uint64_t{0} << (first % 64);
    const std::uint64_t tail = ~std::uint64_t{0} >> (63 - last % 64);
    const std::size_t w = first / 64;
    const std::size_t end = last / 64;
    if (w == end) return flip<kFree>(w, head & tail);
    flip<kFree>(w, head);
    flip<kFree>(end, tail);
    for (std::size_t i = w + 1; i < end; ++i) bits_[i] = kFree ? ~std::uint64_t{0} : 0;
    const std::uint64_t between = (std::uint64_t{1} << end) - (std::uint64_t{2} << w);
    some_free_ = kFree ? some_free_ | between : some_free_ & ~between;
    all_free_ = kFree ? all_free_ | between : all_free_ & ~between;
  }
  template <bool kFree>
  void flip(std::size_t w, std::uint64_t mask) noexcept {
    bits_[w] ^= mask;
    const std::uint64_t word = std::uint64_t{1} << w;
    if (kFree) {
      some_free_ |= word;
      if (~bits_[w] == 0) all_free_ |= word;
    } else {
      if (bits_[w] == 0) some_free_ &= ~word;
      all_free_ &= ~word;
    }
  }
  // The bits alone; summarize() tells the rest.
  void add_free(std::size_t first, std::size_t count) noexcept {
    free_granules_ += count;
    for_each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
      bits_[word] |= mask;
      return true;
    });
  }
  void summarize() noexcept {
    for (std::size_t w = 0; w < kWords; ++w) {
      some_free_ |= std::uint64_t{bits_[w] != 0} << w;
      all_free_ |= std::uint64_t{~bits_[w] == 0} << w;
    }
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

  static constexpr std::size_t kSurelyWide = 127;  // a gap so large has a word free as a whole
  static_assert(granules_class(kSurelyWide - 1) + 1 < 32);
  static constexpr std::size_t kWords = kMaxGranules / 64;
  static_assert(kWords == 64);  // as many as a word has bits
  static constexpr std::size_t kWordsPerPage = kGranulesPerPage / 64;
  static_assert(kWordsPerPage == 4 && kMaxPages <= 32);

  std::size_t granules_ = 0;
  std::size_t free_granules_ = 0;
  std::uint32_t discarded_ = 0;
  std::uint64_t some_free_ = 0;  // a bit for each word below: has it a free granule,
  std::uint64_t all_free_ = 0;   // and no other
  std::uint8_t hints_[32] = {};  // by class: no gap of so many granules starts in a word before
  std::uint64_t bits_[kWords] = {};
  std::atomic<std::uint64_t> ends_[kWords] = {};
};

}  // namespace mem
