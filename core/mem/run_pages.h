// The run heap as a PageSource: where the block heap's regions come from. Every page of a region
// leads to its span, so that a free finds the way to the block heap. Thread-safety and costs are the
// run heap's; memory is not zeroed.
#pragma once

#include <string.h>

#include "core/base/bits.h"
#include "core/mem/run_heap.h"

namespace mem {

template <AddressSpace Os>
class RunPages {
 public:
  constexpr RunPages() noexcept = default;

  // pre: called before any other member.
  void attach(RunHeap<Os>& runs) noexcept { runs_ = &runs; }

  // No region of the block heap is for one block, so none is aligned beyond a page.
  void* map(std::size_t bytes, std::size_t align, std::size_t /*offset*/) noexcept {
    if (align > kPageBytes) return nullptr;
    const Span* span = runs_->allocate(bytes / kPageBytes, 0, SpanState::kBlocks, true);
    if (span == nullptr) return nullptr;
    return reinterpret_cast<void*>(runs_->map().address_of(span->first_page));
  }
  bool unmap(void* p, std::size_t bytes) noexcept {
    runs_->free(runs_->map().find(p), bytes / kPageBytes, bytes / kPageBytes);
    return true;
  }
  bool discard(void* p, std::size_t bytes) noexcept { return runs_->os().discard(p, bytes); }
  void* remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    void* moved = map(new_bytes, 0, 0);
    if (moved == nullptr) return nullptr;
    memcpy(moved, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    unmap(p, old_bytes);
    return moved;
  }

 private:
  RunHeap<Os>* runs_ = nullptr;
};

}  // namespace mem
