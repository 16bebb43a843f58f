// The explicit free list: a doubly linked LIFO list through the free blocks' own payloads.
//
// push, remove: O(1). No ownership, not thread-safe. Links are checked before they are followed
// backwards, which stops the classic unlink attack on an overwritten free block; cost: two loads
// from lines that removal writes anyway.
#pragma once

#include "core/mem/block.h"
#include "core/os/report.h"

namespace mem {

class FreeList {
 public:
  constexpr FreeList() noexcept = default;

  Block* first() const noexcept { return first_; }
  bool is_empty() const noexcept { return first_ == nullptr; }

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
    if (prev == nullptr) {
      if (first_ != b) report_corrupted_free_list(b->payload());
    } else if (prev->next_free() != b) {
      report_corrupted_free_list(b->payload());
    }
    if (next != nullptr && next->prev_free() != b) report_corrupted_free_list(b->payload());
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
