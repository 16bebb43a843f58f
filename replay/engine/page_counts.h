// On how many pages the live objects of a replay stand: how many of them have a byte on each page,
// in a hash table that lives in memory given to it.
//
// Open addressing with linear probing; a page that loses its last object leaves the table, and what
// was probed past it moves up. add() and remove() are O(pages of the object). Not thread-safe. For
// the worker: no C++ library, no allocation.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace replay {

class PageCounts {
 public:
  // Cells for objects that number so many and have so many bytes at the most: an object has a byte
  // on at most size / page + 2 pages. Bounded, for a trace may name objects that no machine has;
  // with 4 KiB pages the bound is some 50 GiB of live ones.
  static constexpr std::uint64_t cells_for(std::uint64_t objects, std::uint64_t bytes,
                                           std::uint64_t page_bytes) {
    const std::uint64_t pages = 2 * objects + bytes / page_bytes;
    if (pages >= kMostCells / 2) return kMostCells;
    return std::bit_ceil(pages + pages / 4 + kSlack);
  }

  // pre: cell_count is a power of two, and all cells are 0; page_bytes is a power of two.
  PageCounts(std::uint64_t* cells, std::uint64_t cell_count, std::uint64_t page_bytes)
      : cells_(cells),
        mask_(cell_count - 1),
        page_shift_(static_cast<unsigned>(std::countr_zero(page_bytes))) {}

  void add(const void* object, std::uint64_t size) {
    for_pages(object, size, [this](std::uint64_t page) { add_page(page); });
  }
  // pre: added before with the same size.
  void remove(const void* object, std::uint64_t size) {
    for_pages(object, size, [this](std::uint64_t page) { remove_page(page); });
  }

  std::uint64_t pages() const { return pages_; }
  // The table was full once: pages() is wrong from then on.
  bool overflowed() const { return overflowed_; }

 private:
  // A cell: page number in the high bits, objects on it in the low ones; 0 is empty.
  static constexpr unsigned kCountBits = 24;
  static constexpr std::uint64_t kSlack = 64;
  static constexpr std::uint64_t kMostCells = std::uint64_t{1} << 24;

  template <class F>
  void for_pages(const void* object, std::uint64_t size, F&& f) {
    if (size == 0) return;
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const std::uint64_t last = (address + size - 1) >> page_shift_;
    for (std::uint64_t page = address >> page_shift_; page <= last && !overflowed_; ++page) f(page);
  }

  static std::uint64_t page_of(std::uint64_t cell) { return cell >> kCountBits; }
  // Fibonacci hashing: neighbours land far apart.
  std::uint64_t home_of(std::uint64_t page) const {
    return (page * 0x9e3779b97f4a7c15U >> 20) & mask_;
  }

  // Where the page is, or where it would be put.
  std::uint64_t find(std::uint64_t page) const {
    std::uint64_t i = home_of(page);
    while (cells_[i] != 0 && page_of(cells_[i]) != page) i = (i + 1) & mask_;
    return i;
  }

  void add_page(std::uint64_t page) {
    const std::uint64_t i = find(page);
    if (cells_[i] != 0) {
      ++cells_[i];
    } else if (pages_ == mask_) {  // one cell stays empty, or find() would not end
      overflowed_ = true;
    } else {
      cells_[i] = (page << kCountBits) + 1;
      ++pages_;
    }
  }

  void remove_page(std::uint64_t page) {
    std::uint64_t hole = find(page);
    if (cells_[hole] == 0) return;
    if ((--cells_[hole] & ((std::uint64_t{1} << kCountBits) - 1)) != 0) return;
    cells_[hole] = 0;
    --pages_;
    for (std::uint64_t i = (hole + 1) & mask_; cells_[i] != 0; i = (i + 1) & mask_) {
      const std::uint64_t probed = (i - home_of(page_of(cells_[i]))) & mask_;
      if (probed < ((i - hole) & mask_)) continue;  // its home lies behind the hole
      cells_[hole] = cells_[i];
      cells_[i] = 0;
      hole = i;
    }
  }

  std::uint64_t* cells_;
  std::uint64_t mask_;
  unsigned page_shift_;
  std::uint64_t pages_ = 0;
  bool overflowed_ = false;
};

}  // namespace replay
