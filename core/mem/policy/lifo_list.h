// Free-list policy of the seed: one LIFO list of all free blocks, searched from the front.
//
// insert, remove: O(1). find: O(K) for K free blocks. Not thread-safe.
#pragma once

#include "core/mem/free_list.h"

namespace mem {

class LifoList {
 public:
  constexpr LifoList() noexcept = default;

  void insert(Block* b) noexcept { list_.push(b); }
  void remove(Block* b) noexcept { list_.remove(b); }

  // The first block, from the front, for which fits(block) holds; nullptr = none.
  // pre: fits(b) implies b->size() >= need.
  template <class Fits>
  Block* find(std::size_t /*need*/, Fits fits) const noexcept {
    for (Block* b = list_.first(); b != nullptr; b = FreeList::next(b)) {
      if (fits(b)) return b;
    }
    return nullptr;
  }

  // For the heap's check(): visit(block) for each block, until it answers false.
  template <class Visit>
  bool for_each(Visit visit) const noexcept {
    for (Block* b = list_.first(); b != nullptr; b = b->next_free()) {
      if (!visit(b)) return false;
    }
    return true;
  }

  // Whether b, if it is in the structure, is in its right place; here any place is.
  bool is_in_place(const Block* /*b*/) const noexcept { return true; }
  bool is_consistent() const noexcept { return true; }

 private:
  FreeList list_;
};

}  // namespace mem
