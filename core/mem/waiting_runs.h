// The runs that were freed and wait, not yet joined with their free neighbours, for
// somebody who asks for about as many pages: such a run changes hands without a search and without
// the index being touched.
//
//   newest -> span                           the one that was freed last, in no list yet
//   lists[size class] -> span <-> span ...   the others, the last one freed first
//   filled                                   a bit for each list that is not empty
//
// A class is one number of pages below 64, then an eighth of a doubling. The run heap's, under its
// lock. All operations O(1): of a list kLooks spans are looked at, at most.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/span.h"

namespace mem {

class WaitingRuns {
 public:
  constexpr WaitingRuns() noexcept = default;

  // Pages of all of them together.
  std::size_t pages() const noexcept { return pages_; }

  // pre: span is in no list, its run_pages is right and stays so.
  void put(Span* span) noexcept {
    if (newest_ != nullptr) enlist(newest_);
    newest_ = span;
    pages_ += span->run_pages;
  }

  // One of `least` to `most` pages, or nullptr: the newest if it has exactly as many; else of the
  // smallest class that has one the one freed last, which is in the cache sooner than others.
  // pre: most < 4 * least.
  Span* take(std::size_t least, std::size_t most) noexcept {
    if (least > pages_) return nullptr;  // maybe more than there is a list for
    if (newest_ != nullptr && newest_->run_pages == least) return take_newest();
    if (Span* span = find(least, most); span != nullptr) {
      remove(span);
      return span;
    }
    const bool fits =
        newest_ != nullptr && newest_->run_pages >= least && newest_->run_pages <= most;
    return fits ? take_newest() : nullptr;
  }

  // Any one of them, or nullptr if there are none.
  Span* take_any() noexcept {
    if (newest_ != nullptr) return take_newest();
    for (std::size_t word = 0; word < kLists / 64; ++word) {
      if (filled_[word] == 0) continue;
      Span* span =
          lists_[word * 64 + static_cast<std::size_t>(std::countr_zero(filled_[word]))].first();
      remove(span);
      return span;
    }
    return nullptr;
  }

  // pre: span is one of them.
  void remove(Span* span) noexcept {
    if (span == newest_) {
      take_newest();
      return;
    }
    const std::size_t list = class_of(span->run_pages);
    lists_[list].remove(span);
    if (lists_[list].first() == nullptr) filled_[list / 64] &= ~(std::uint64_t{1} << (list % 64));
    pages_ -= span->run_pages;
  }

 private:
  static constexpr std::size_t kExact = 64;
  static constexpr std::size_t kLists = 320;  // up to 2^38 pages, of which a span counts 2^32
  static constexpr unsigned kLooks = 8;

  static constexpr std::size_t class_of(std::size_t pages) noexcept {
    if (pages < kExact) return pages;
    const unsigned log = floor_log2(pages);
    return kExact + (log - floor_log2(kExact)) * 8 + (pages >> (log - 3) & 7);
  }

  void enlist(Span* span) noexcept {
    const std::size_t list = class_of(span->run_pages);
    lists_[list].push(span);
    filled_[list / 64] |= std::uint64_t{1} << (list % 64);
  }

  Span* take_newest() noexcept {
    Span* span = newest_;
    newest_ = nullptr;
    pages_ -= span->run_pages;
    return span;
  }

  // As take() says, in the lists.
  Span* find(std::size_t least, std::size_t most) const noexcept {
    const std::size_t first = class_of(least);
    const std::uint64_t wanted = (std::uint64_t{2} << (class_of(most) - first)) - 1;
    for (std::uint64_t near = filled_from(first) & wanted; near != 0; near &= near - 1) {
      Span* span = lists_[first + static_cast<std::size_t>(std::countr_zero(near))].first();
      for (unsigned looks = kLooks; span != nullptr && looks > 0; --looks, span = span->next) {
        if (span->run_pages >= least && span->run_pages <= most) return span;
      }
    }
    return nullptr;
  }

  // A bit for each of the 64 lists from `list` on.
  std::uint64_t filled_from(std::size_t list) const noexcept {
    const std::size_t shift = list % 64;
    return filled_[list / 64] >> shift | filled_[list / 64 + 1] << 1 << (63 - shift);
  }

  Span* newest_ = nullptr;
  SpanList lists_[kLists];
  std::uint64_t filled_[kLists / 64 + 1] = {};  // the last stays 0
  std::size_t pages_ = 0;
};

}  // namespace mem
