// Free-list policy of `mem`: the logical list split into LIFO lists by size, with a bitmap of the
// lists that hold anything. It stays first fit, LIFO within a list; a search skips the lists whose
// blocks are all too small.
//
// Bins: exact multiples of 16 below 1 KiB, where any block of a bin fits a request of that bin,
// then 8 a doubling, which bounds what a block of the next bin can be too large by to an eighth.
//
// insert, remove: O(1). find: O(1) below 1 KiB; above it at most kProbes blocks of the request's
// own bin and one bitmap scan, and only before asking the kernel for pages the whole own bin.
#pragma once

#include <bit>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/free_list.h"

namespace mem {

class SegregatedLists {
 public:
  constexpr SegregatedLists() noexcept = default;

  void insert(Block* b) noexcept {
    const unsigned bin = bin_of(b->size());
    lists_[bin].push(b);
    bitmap_[bin / 64] |= std::uint64_t{1} << (bin % 64);
  }

  void remove(Block* b) noexcept {
    const unsigned bin = bin_of(b->size());
    lists_[bin].remove(b);
    if (lists_[bin].is_empty()) bitmap_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
  }

  // A block for which fits(block) holds; nullptr = none. pre: fits(b) implies b->size() >= need.
  template <class Fits>
  Block* find(std::size_t need, Fits fits) const noexcept {
    const unsigned own = bin_of(need);
    Block* rest = lists_[own].first();
    for (int probe = 0; rest != nullptr && probe < kProbes; ++probe, rest = FreeList::next(rest)) {
      if (fits(rest)) return rest;
    }
    for (unsigned bin = next_bin(own + 1); bin < kBins; bin = next_bin(bin + 1)) {
      for (Block* b = lists_[bin].first(); b != nullptr; b = FreeList::next(b)) {
        if (fits(b)) return b;
      }
    }
    for (; rest != nullptr; rest = FreeList::next(rest)) {
      if (fits(rest)) return rest;
    }
    return nullptr;
  }

  template <class Visit>
  bool for_each(Visit visit) const noexcept {
    for (const FreeList& list : lists_) {
      for (Block* b = list.first(); b != nullptr; b = b->next_free()) {
        if (!visit(b)) return false;
      }
    }
    return true;
  }

  // Whether b, if it is in the structure, is in the list of its size: so is the block before it, or
  // b is that list's first. O(1), and by induction along a list it tells of every block.
  bool is_in_place(const Block* b) const noexcept {
    const FreeList& list = lists_[bin_of(b->size())];
    return b->prev_free() != nullptr ? bin_of(b->prev_free()->size()) == bin_of(b->size())
                                     : list.first() == b;
  }
  // A bit of the bitmap is set exactly if its list holds something.
  bool is_consistent() const noexcept {
    for (unsigned bin = 0; bin < kBins; ++bin) {
      const bool marked = (bitmap_[bin / 64] >> (bin % 64) & 1) != 0;
      if (marked == lists_[bin].is_empty()) return false;
    }
    return true;
  }

  static constexpr unsigned bin_of(std::size_t size) noexcept {
    if (size < kExactBelow) return static_cast<unsigned>(size / 16);
    const unsigned log = floor_log2(size);
    const unsigned eighth = static_cast<unsigned>(size >> (log - 3)) & 7;
    const unsigned bin = kExactBins + (log - 10) * 8 + eighth;
    return bin < kBins ? bin : kBins - 1;
  }

 private:
  // A bound on the walk, not tuned: what fits is mostly among the blocks freed last.
  static constexpr int kProbes = 64;
  static constexpr std::size_t kExactBelow = 1024;
  static constexpr unsigned kExactBins = 64;
  static constexpr unsigned kBins = 192;  // the last one starts above 64 MiB
  static constexpr unsigned kWords = kBins / 64;

  // The first marked bin from `bin` on, or kBins.
  unsigned next_bin(unsigned bin) const noexcept {
    for (unsigned word = bin / 64; word < kWords; ++word) {
      std::uint64_t bits = bitmap_[word];
      if (word == bin / 64) bits &= ~std::uint64_t{0} << (bin % 64);
      if (bits != 0) return word * 64 + static_cast<unsigned>(std::countr_zero(bits));
    }
    return kBins;
  }

  std::uint64_t bitmap_[kWords] = {};
  FreeList lists_[kBins];
};

}  // namespace mem
