// The runs of large blocks that were freed and wait, not yet joined with their free neighbours, for
// somebody who asks for as many pages: such a run changes hands without a search and without the
// index being touched.
//
//   lists[pages % 64] -> span <-> span ...   the last one freed first
//   filled                                   a bit for each list that is not empty
//
// The run heap's, under its lock. All operations O(1): take looks at kLooks spans at most.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/mem/span.h"

namespace mem {

class WaitingRuns {
 public:
  constexpr WaitingRuns() noexcept = default;

  // Pages of all of them together.
  std::size_t pages() const noexcept { return pages_; }

  // pre: span is in no list, its run_pages is right and stays so.
  void put(Span* span) noexcept {
    const std::size_t list = list_of(span->run_pages);
    lists_[list].push(span);
    filled_ |= std::uint64_t{1} << list;
    pages_ += span->run_pages;
  }

  // One of exactly so many pages, or nullptr; of several the one that was freed last.
  Span* take(std::size_t pages) noexcept {
    Span* span = lists_[list_of(pages)].first();
    for (unsigned looks = kLooks; span != nullptr && looks > 0; --looks, span = span->next) {
      if (span->run_pages != pages) continue;
      remove(span);
      return span;
    }
    return nullptr;
  }

  // Any one of them, or nullptr if there are none.
  Span* take_any() noexcept {
    if (filled_ == 0) return nullptr;
    Span* span = lists_[std::countr_zero(filled_)].first();
    remove(span);
    return span;
  }

  // pre: span is one of them.
  void remove(Span* span) noexcept {
    const std::size_t list = list_of(span->run_pages);
    lists_[list].remove(span);
    if (lists_[list].first() == nullptr) filled_ &= ~(std::uint64_t{1} << list);
    pages_ -= span->run_pages;
  }

 private:
  static constexpr std::size_t kLists = 64;
  static constexpr unsigned kLooks = 8;

  static constexpr std::size_t list_of(std::size_t pages) noexcept { return pages % kLists; }

  SpanList lists_[kLists];
  std::uint64_t filled_ = 0;
  std::size_t pages_ = 0;
};

}  // namespace mem
