// The large blocks that a thread freed last, of page counts that it had asked for before: a run
// from here costs no lock, no search and no page fault. What is cached is resident and counts as in
// use, so the heap bounds it to a small share of that, and a size that is asked for once is never
// kept.
//
// One thread's. take, put: O(kSlots).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/mem/span.h"

namespace mem {

class LargeCache {
 public:
  constexpr LargeCache() noexcept = default;

  // A cached run of exactly so many pages, or nullptr. Either way the size is now one asked for.
  Span* take(std::size_t pages) noexcept {
    std::uint16_t& asked = asked_[pages % kSizes];
    const auto tag = static_cast<std::uint16_t>(pages);
    was_asked_[pages % kSizes] = asked == tag;
    asked = tag;
    for (Span*& slot : slots_) {
      if (slot == nullptr || slot->run_pages != pages) continue;
      Span* span = slot;
      slot = nullptr;
      pages_ -= pages;
      return span;
    }
    return nullptr;
  }

  // false = not kept: too much would be, or the size was not asked for twice of late.
  bool put(Span* span, std::size_t most_pages) noexcept {
    const std::size_t pages = span->run_pages;
    if (pages > kMaxPages || pages_ + pages > most_pages) return false;
    const bool is_wanted = asked_[pages % kSizes] == pages && was_asked_[pages % kSizes];
    if (!is_wanted) return false;
    for (Span*& slot : slots_) {
      if (slot != nullptr) continue;
      slot = span;
      pages_ += pages;
      return true;
    }
    return false;
  }

  // Any one of them, to be given back; nullptr = none is left.
  Span* evict() noexcept {
    for (Span*& slot : slots_) {
      if (slot == nullptr) continue;
      Span* span = slot;
      slot = nullptr;
      pages_ -= span->run_pages;
      return span;
    }
    return nullptr;
  }

  std::size_t pages() const noexcept { return pages_; }

 private:
  static constexpr std::size_t kSlots = 8;
  static constexpr std::size_t kSizes = 32;  // of which the last request is remembered
  static constexpr std::size_t kMaxPages =
      1024;  // 4 MiB; a larger block's faults outweigh the rest

  Span* slots_[kSlots] = {};
  std::size_t pages_ = 0;
  std::uint16_t asked_[kSizes] = {};
  bool was_asked_[kSizes] = {};
};

}  // namespace mem
