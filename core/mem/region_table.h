// The regions of a heap by address: a sorted array in pages of its own, so that any pointer, wild
// ones included, can be told to lie in a region without touching the pointer.
//
// find: O(log regions), mostly O(1) thanks to a remembered last hit. insert, remove: O(regions),
// one memmove beside a system call. Not thread-safe.
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/region.h"

namespace mem {

class RegionTable {
 public:
  struct Row {
    std::uintptr_t base;
    std::uintptr_t end;
  };

  constexpr RegionTable() noexcept = default;

  std::size_t count() const noexcept { return count_; }
  std::size_t pages() const noexcept { return capacity_ * sizeof(Row) / kPageBytes; }
  Region* at(std::size_t i) const noexcept { return reinterpret_cast<Region*>(rows_[i].base); }
  const Row& row(std::size_t i) const noexcept { return rows_[i]; }

  // The region that holds the address, or nullptr.
  Region* find(std::uintptr_t address) noexcept {
    if (hint_ < count_ && holds(rows_[hint_], address)) return at(hint_);
    const std::size_t i = upper_bound(address);
    if (i == 0 || !holds(rows_[i - 1], address)) return nullptr;
    hint_ = i - 1;
    return at(hint_);
  }

  // Makes room for one more row; false = out of memory.
  template <class Pages>
  bool reserve(Pages& pages) noexcept {
    if (count_ < capacity_) return true;
    const std::size_t old_bytes = capacity_ * sizeof(Row);
    const std::size_t new_bytes = old_bytes == 0 ? kPageBytes : 2 * old_bytes;
    void* rows =
        old_bytes == 0 ? pages.map(new_bytes, 0, 0) : pages.remap(rows_, old_bytes, new_bytes);
    if (rows == nullptr) return false;
    rows_ = static_cast<Row*>(rows);
    capacity_ = new_bytes / sizeof(Row);
    return true;
  }

  // pre: reserve() answered true since the last insert.
  void insert(const Region* region) noexcept {
    const std::size_t i = upper_bound(region->base());
    memmove(rows_ + i + 1, rows_ + i, (count_ - i) * sizeof(Row));
    rows_[i] = Row{region->base(), region->base() + region->bytes()};
    ++count_;
    hint_ = i;
  }

  // pre: a region with that base is in the table.
  void remove(std::uintptr_t base) noexcept {
    const std::size_t i = upper_bound(base) - 1;
    memmove(rows_ + i, rows_ + i + 1, (count_ - i - 1) * sizeof(Row));
    --count_;
  }

 private:
  static bool holds(const Row& row, std::uintptr_t address) noexcept {
    return address - row.base < row.end - row.base;
  }
  // The number of rows whose base is at or below the address.
  std::size_t upper_bound(std::uintptr_t address) const noexcept {
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (rows_[middle].base <= address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  Row* rows_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::size_t hint_ = 0;
};

}  // namespace mem
