// The page map: from any address to the span of its page, in one subtraction, one compare and one
// load. The window is a stretch of address space in which all regions are reserved; the map, one
// pointer a page, lies at its start.
//
//   base                     base + 8 * pages                          base + 4096 * pages
//    | map: span pointers ... | the run heap's other tables | regions ...         |
//
// Null, foreign and early pointers all fail the one compare: before the window exists it has no
// pages.
//
// find: O(1), from any thread; an entry is read by whoever holds a pointer into its page and
// written under the run heap's lock, so whatever passed the pointer on also ordered the two.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/span.h"

namespace mem {

class PageMap {
 public:
  constexpr PageMap() noexcept = default;

  // pre: the map's part for the pages in use is readable at base.
  void init(std::uintptr_t base, std::size_t pages) noexcept {
    base_ = base;
    pages_ = pages;
  }
  // Pages from there on are outside of the window from now on. pre: none of them ever had a span,
  // so that no thread can ask for one.
  void shrink(std::size_t pages) noexcept { __atomic_store_n(&pages_, pages, __ATOMIC_RELAXED); }

  std::uintptr_t base() const noexcept { return base_; }
  // A plain read, for compilers do not fold an atomic one into the comparison; whoever reads it
  // beside shrink() gets the right answer for its pointer from either value.
  std::size_t pages() const noexcept {
#if defined(__SANITIZE_THREAD__)
    return __atomic_load_n(&pages_, __ATOMIC_RELAXED);
#else
    return pages_;
#endif
  }
  std::uintptr_t address_of(std::size_t page) const noexcept { return base_ + page * kPageBytes; }
  // At or above pages() for an address outside the window.
  std::size_t page_of(const void* p) const noexcept {
    return (reinterpret_cast<std::uintptr_t>(p) - base_) / kPageBytes;
  }

  // The span of p's page, or nullptr.
  Span* find(const void* p) const noexcept {
    const std::size_t page = page_of(p);
    if (__builtin_expect(page >= pages(), 0)) return nullptr;
    return at(page);
  }
  Span* at(std::size_t page) const noexcept {
    return entry(page)->load(std::memory_order_relaxed);  // ordered by who passed the pointer on
  }
  void set(std::size_t first, std::size_t pages, Span* span) noexcept {
    for (std::size_t i = first; i < first + pages; ++i) {
      entry(i)->store(span, std::memory_order_relaxed);
    }
  }
  void* entry_address(std::size_t page) const noexcept { return entry(page); }

 private:
  std::atomic<Span*>* entry(std::size_t page) const noexcept {
    return reinterpret_cast<std::atomic<Span*>*>(base_) + page;
  }

  std::uintptr_t base_ = 0;
  std::size_t pages_ = 0;
};

}  // namespace mem
