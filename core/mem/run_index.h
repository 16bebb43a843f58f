// The run index: which pages of a window are free, as a bitmap under a tree of summaries, so that
// the first run of k free pages by address is found without walking.
//
//   level 2   | start max end |  ...            one summary for 8 of the level below
//   level 1   | start max end | ... x 8         the same
//   level 0   | start max end | ... x 8         one summary for a chunk of 64 pages
//   bits      |1101...0| ...                    a word a chunk; 1 = free
//
// start and end are the free pages at a node's two ends, max its longest run: what is needed to see
// runs that cross nodes (the scheme of Go's page allocator, runtime/mpagealloc.go).
//
// Not thread-safe. find: O(log pages), with a fan-out of 8. set: O(pages / 64) and one path up,
// left as soon as a summary stays what it was. All memory is the caller's, zeroed, and may be
// committed as far as the pages in use need it.
//
// Invariants, which check() asserts by number (101 and on):
//   101  Each summary of level 0 agrees with its chunk's bits.
//   102  Each summary above agrees with the 8 below it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mem {

class RunIndex {
 public:
  static constexpr std::size_t kChunkPages = 64;
  static constexpr std::size_t kFanOut = 8;
  static constexpr unsigned kMaxLevels = 8;
  static constexpr std::size_t kNone = SIZE_MAX;

  struct Summary {
    std::uint32_t start;
    std::uint32_t max;
    std::uint32_t end;
    bool operator==(const Summary&) const noexcept = default;
  };

  constexpr RunIndex() noexcept = default;

  static constexpr std::size_t bitmap_bytes(std::size_t pages) noexcept { return pages / 8; }
  // Of the summaries that come first in their area: those of the chunks, in order.
  static constexpr std::size_t lowest_summary_bytes(std::size_t pages) noexcept {
    return pages / kChunkPages * sizeof(Summary);
  }
  static constexpr std::size_t summary_bytes(std::size_t pages) noexcept {
    std::size_t nodes = pages / kChunkPages;
    std::size_t total = 0;
    for (unsigned level = 0; level < kMaxLevels; ++level) {
      total += nodes;
      nodes = (nodes + kFanOut - 1) / kFanOut;
    }
    return total * sizeof(Summary);
  }

  // pre: pages is a multiple of kChunkPages; both areas are zero and outlive the index.
  void init(std::size_t pages, std::uint64_t* bits, Summary* summaries) noexcept;

  // From now on the first `pages` may be free; levels that they do not need stay unused. Never less
  // than before.
  void reach(std::size_t pages) noexcept;

  // The first page of the lowest run of `pages` free ones, or kNone. pre: pages > 0.
  std::size_t find(std::size_t pages) const noexcept;

  // Marks [first, first + pages) free or used. pre: each of them was the other.
  void set(std::size_t first, std::size_t pages, bool free) noexcept;

  bool is_free(std::size_t page) const noexcept {
    return (bits_[page / 64] >> (page % 64) & 1) != 0;
  }
  bool are_free(std::size_t first, std::size_t pages) const noexcept;
  // Free pages from `first` on, counted up to `limit`.
  std::size_t free_from(std::size_t first, std::size_t limit) const noexcept;
  // Free pages that end where `page` starts.
  std::size_t free_before(std::size_t page) const noexcept;
  std::size_t free_pages() const noexcept { return free_pages_; }
  // The longest run of free pages.
  std::size_t longest() const noexcept;

  // 0, or the number of the first invariant that does not hold. Looks at the first `pages` only.
  int check(std::size_t pages) const noexcept;

 private:
  struct Level {
    Summary* nodes = nullptr;
    std::size_t count = 0;
    std::size_t span = 0;  // pages under a node
  };

  Summary summarize_children(unsigned level, std::size_t node) const noexcept;
  void update(std::size_t first_chunk, std::size_t last_chunk) noexcept;

  std::uint64_t* bits_ = nullptr;
  Level levels_[kMaxLevels];
  unsigned level_count_ = 0;   // in use
  std::size_t top_count_ = 0;  // nodes of the highest of them
  std::size_t free_pages_ = 0;
};

}  // namespace mem
