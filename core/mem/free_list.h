// The explicit free list: a doubly linked LIFO list through the free blocks' own payloads.
//
// push, remove: O(1). No ownership, not thread-safe. A link is checked before it is followed, and
// the neighbours before a block is unlinked, which stops the classic attack through an overwritten
// free block and tells most writes after free; cost: two compares and two loads from lines that
// removal writes anyway.
#pragma once

#include "core/mem/block.h"
#include "core/os/report.h"

namespace mem {

class FreeList {
 public:
  constexpr FreeList() noexcept = default;

  Block* first() const noexcept { return first_; }
  bool is_empty() const noexcept { return first_ == nullptr; }

  // The block after b, or nullptr.
  static Block* next(const Block* b) noexcept {
    Block* next = b->next_free();
    if (!Block::is_plausible(next)) report_corrupted_free_list(b);
    return next;
  }

  // pre: b is free and in no list.
  void push(Block* b) noexcept {
    b->set_prev_free(nullptr);
    b->set_next_free(first_);
    if (first_ != nullptr) first_->set_prev_free(b);
    first_ = b;
  }

  // pre: b is in this list.
  void remove(Block* b) noexcept {
    Block* next = b->next_free();
    Block* prev = b->prev_free();
    if (!Block::is_plausible(next) || !Block::is_plausible(prev)) report_corrupted_free_list(b);
    if ((prev == nullptr ? first_ : prev->next_free()) != b) report_corrupted_free_list(b);
    if (next != nullptr && next->prev_free() != b) report_corrupted_free_list(b);
    if (next != nullptr) next->set_prev_free(prev);
    if (prev != nullptr) {
      prev->set_next_free(next);
    } else {
      first_ = next;
    }
  }

 private:
  Block* first_ = nullptr;
};

}  // namespace mem
