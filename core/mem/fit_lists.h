// The fit tables of one heap, by the size of their largest gap as far as it is known: 4 lists a
// doubling. What a table is thought to have may be more than it has, never less.
//
// Not thread-safe. find: O(1), and the tables that turn out to have no such gap. The others: O(1).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/mem/fit_table.h"

namespace mem {

class FitLists {
 public:
  constexpr FitLists() noexcept = default;

  void insert(FitTable* table) noexcept {
    const unsigned i = granules_class(table->longest);
    table->prev = nullptr;
    table->next = first_[i];
    if (first_[i] != nullptr) first_[i]->prev = table;
    first_[i] = table;
    bitmap_ |= std::uint64_t{1} << i;
  }
  // pre: `longest` is what it was inserted with.
  void remove(FitTable* table) noexcept {
    const unsigned i = granules_class(table->longest);
    if (table->next != nullptr) table->next->prev = table->prev;
    (table->prev != nullptr ? table->prev->next : first_[i]) = table->next;
    if (first_[i] == nullptr) bitmap_ &= ~(std::uint64_t{1} << i);
  }
  // Changes `longest`, which was `before` when the table was inserted.
  void update(FitTable* table, std::size_t before) noexcept {
    const std::size_t now = table->longest;
    if (now == before || granules_class(now) == granules_class(before)) return;
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
      const std::size_t most = table->widest();
      table->longest = most < granules ? most : granules - 1;
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
    const unsigned own = granules_class(granules);
    FitTable* table = first_[own];
    for (int probe = 0; table != nullptr && probe < kProbes; ++probe, table = table->next) {
      if (table->longest >= granules) return table;
    }
    const std::uint64_t larger = bitmap_ & ~std::uint64_t{0} << own & ~(std::uint64_t{1} << own);
    return larger != 0 ? first_[std::countr_zero(larger)] : nullptr;
  }

  static constexpr int kProbes = 4;
  static constexpr unsigned kLists = 45;
  static_assert(kLists > 12 * 4 - 4);  // granules_class(kMaxGranules)

  FitTable* first_[kLists] = {};
  std::uint64_t bitmap_ = 0;
};

}  // namespace mem
