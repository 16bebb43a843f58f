// The block heap's operations. Included by block_heap.cc, which instantiates them for the kernel's
// pages, and by tests, for simulated pages. What each costs is told in block_heap.h.
#pragma once

#include <string.h>

#include "core/base/bits.h"
#include "core/mem/block_heap.h"
#include "core/os/report.h"

namespace mem {

// --- sizes --------------------------------------------------------------------------------------

// 0 = larger than any block can be (PTRDIFF_MAX, or the 47 bits of an address space).
template <class Config, PageSource Pages>
std::size_t BlockHeap<Config, Pages>::block_size_for(std::size_t size) noexcept {
  constexpr std::size_t kMaxRequest = (std::size_t{1} << 47) - (std::size_t{1} << 32);
  if (size > kMaxRequest) return 0;
  const std::size_t need = align_up(size + Block::kHeaderBytes, kAlign);
  return need < Block::kMinBytes ? Block::kMinBytes : need;
}

// Bytes to leave in front so that the payload is aligned: none, or enough for a free block.
template <class Config, PageSource Pages>
std::size_t BlockHeap<Config, Pages>::front_gap(const Block* b, std::size_t align) noexcept {
  const std::uintptr_t payload = b->address() + Block::kHeaderBytes;
  std::uintptr_t aligned = align_up(payload, align);
  while (aligned != payload && aligned - payload < Block::kMinBytes) aligned += align;
  return aligned - payload;
}

// The block is its region's only used one, and at most a free one follows it.
template <class Config, PageSource Pages>
bool BlockHeap<Config, Pages>::is_sole(const Region* region, const Block* b) noexcept {
  return b == region->first() && (b->is_last() || (b->next()->is_last() && !b->next()->is_used()));
}

// --- allocation ---------------------------------------------------------------------------------

template <class Config, PageSource Pages>
void* BlockHeap<Config, Pages>::allocate(std::size_t size, std::size_t align) noexcept {
  Block* b = take(size, align < kAlign ? kAlign : align).block;
  return b == nullptr ? nullptr : b->payload();
}

template <class Config, PageSource Pages>
void* BlockHeap<Config, Pages>::allocate_zeroed(std::size_t size) noexcept {
  const Taken taken = take(size, kAlign);
  if (taken.block == nullptr) return nullptr;
  void* p = taken.block->payload();
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(p);
  const std::uintptr_t end = taken.zero_from < start + size ? taken.zero_from : start + size;
  if (end > start) memset(p, 0, end - start);
  return p;
}

// pre: align is a power of two, at least kAlign.
template <class Config, PageSource Pages>
auto BlockHeap<Config, Pages>::take(std::size_t size, std::size_t align) noexcept -> Taken {
  const std::size_t need = block_size_for(size);
  const std::size_t worst_gap = align == kAlign ? 0 : align + Block::kMinBytes;
  std::size_t worst_need = 0;
  if (need == 0 || !checked_add(need, worst_gap, &worst_need)) return {nullptr, 0};
  Block* b = need <= kRegionRoom ? find(need, align) : nullptr;
  if (b == nullptr) {
    if (worst_need > kRegionRoom) return take_dedicated(need, align, size);
    b = add_standard_region();
    if (b == nullptr) return {nullptr, 0};
  }
  return place(b, front_gap(b, align), need, size);
}

template <class Config, PageSource Pages>
Block* BlockHeap<Config, Pages>::find(std::size_t need, std::size_t align) noexcept {
  if (align == kAlign) {
    return free_.find(need, [need](const Block* b) { return b->size() >= need; });
  }
  return free_.find(need, [need, align](const Block* b) {
    const std::size_t gap = front_gap(b, align);
    return b->size() >= gap && b->size() - gap >= need;
  });
}

// Takes `need` bytes out of the free block b, `gap` bytes in; what is left stays free.
// pre: gap is 0 or at least the minimum, and gap + need fits.
template <class Config, PageSource Pages>
auto BlockHeap<Config, Pages>::place(Block* b, std::size_t gap, std::size_t need,
                                     std::size_t size) noexcept -> Taken {
  const std::uint64_t last = b->is_last() ? Block::kLast : 0;
  const std::uint64_t purged = b->is_purged() ? Block::kPurged : 0;
  Block* const after = b->next();
  std::size_t prev_size = b->prev_size();
  std::size_t left = b->size() - gap;
  if (spare_ != nullptr && b == spare_->first()) spare_ = nullptr;
  remove_free(b);
  if (gap != 0) {
    b->write_free(gap, prev_size, purged);
    insert_free(b);
    b = Block::at(b->address() + gap);
    prev_size = gap;
  }
  std::uintptr_t zero_from = b->address() + left;
  std::uint64_t own_last = last;
  if (left - need >= Block::kMinBytes) {
    Block* rest = Block::at(b->address() + need);
    rest->write_free(left - need, need, last | purged);
    after->set_prev_size(left - need);
    insert_free(rest);
    left = need;
    own_last = 0;
  } else if (gap != 0) {
    after->set_prev_size(left);
  }
  b->write_used(left, prev_size, own_last, left - Block::kHeaderBytes - size);
  if (last != 0) {
    Region* region = regions_.find(b->address());
    zero_from = region->touched_end();
    region->touch_until(own_last != 0 ? b->end() : b->end() + Block::kMinBytes);
  }
  ++live_blocks_;
  requested_bytes_ += size;
  return {b, zero_from};
}

// A block too large for a standard region has a region to itself, and all of it: a small free rest
// would let a small block hold all the large one's pages.
template <class Config, PageSource Pages>
auto BlockHeap<Config, Pages>::take_dedicated(std::size_t need, std::size_t align,
                                              std::size_t size) noexcept -> Taken {
  const std::size_t payload_offset =
      align_up(Region::kHeaderBytes + Block::kHeaderBytes, align < kPageBytes ? align : kPageBytes);
  const std::size_t first_offset = payload_offset - Block::kHeaderBytes;
  std::size_t bytes = 0;
  if (!checked_add(need, first_offset + Region::kSentinelBytes + kPageBytes - 1, &bytes)) {
    return {nullptr, 0};
  }
  bytes = align_down(bytes, kPageBytes);
  Region* region = add_region(bytes, align, first_offset);
  if (region == nullptr) return {nullptr, 0};
  Block* b = region->first();
  b->write_used(region->room(), 0, Block::kLast, region->room() - Block::kHeaderBytes - size);
  region->touch_until(b->end());
  ++live_blocks_;
  requested_bytes_ += size;
  return {b, b->address() + Block::kHeaderBytes};
}

template <class Config, PageSource Pages>
Region* BlockHeap<Config, Pages>::add_region(std::size_t bytes, std::size_t align,
                                             std::size_t first_offset) noexcept {
  if (!regions_.reserve(pages_)) return nullptr;
  void* memory = pages_.map(bytes, align, first_offset + Block::kHeaderBytes);
  if (memory == nullptr) return nullptr;
  Region* region = Region::create(memory, bytes, first_offset);
  regions_.insert(region);
  region_pages_ += bytes / kPageBytes;
  return region;
}

template <class Config, PageSource Pages>
Block* BlockHeap<Config, Pages>::add_standard_region() noexcept {
  Region* region = add_region(Config::kRegionBytes, 0, Region::kHeaderBytes);
  if (region == nullptr) return nullptr;
  Block* b = region->first();
  b->write_free(region->room(), 0, Block::kLast);
  insert_free(b);
  return b;
}

// --- deallocation -------------------------------------------------------------------------------

template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::deallocate(void* p) noexcept {
  if (p == nullptr) return;
  Region* region = nullptr;
  Block* b = validate(p, &region);
  requested_bytes_ -= b->requested();
  --live_blocks_;
  free_block(region, b);
}

// Makes b free and one with its free neighbours. Headers that vanish in the union keep the free
// magic, so that a second free of such a block is still told as what it is.
template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::free_block(Region* region, Block* b) noexcept {
  std::size_t size = b->size();
  std::uint64_t last = b->is_last() ? Block::kLast : 0;
  b->write_free(size, b->prev_size(), last);
  Block* next = b->next();
  if (!next->is_used()) {
    remove_free(next);
    size += next->size();
    last = next->is_last() ? Block::kLast : 0;
  }
  if (b != region->first() && !b->prev()->is_used()) {
    b = b->prev();
    remove_free(b);
    size += b->size();
  }
  b->write_free(size, b->prev_size(), last);
  b->next()->set_prev_size(size);
  insert_free(b);
  if (b == region->first() && last != 0) retire_region(region);
}

// One empty region is kept: a program that frees and allocates around a region's edge would pay
// two system calls and the page faults each time. Only one of the standard size, since a large one
// would be kept for a block that may never come again. If the source refuses, the region stays in
// use: its memory is given back though not its addresses.
template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::retire_region(Region* region) noexcept {
  if (spare_ == nullptr && region->bytes() == Config::kRegionBytes) {
    spare_ = region;
    return;
  }
  Block* b = region->first();
  remove_free(b);
  const std::uintptr_t base = region->base();
  const std::size_t bytes = region->bytes();
  if (pages_.unmap(region, bytes)) {
    regions_.remove(base);
    region_pages_ -= bytes / kPageBytes;
    return;
  }
  ++refused_unmaps_;
  insert_free(b);
  purge_block(region, b);
}

template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::insert_free(Block* b) noexcept {
  free_.insert(b);
  ++free_blocks_;
}

template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::remove_free(Block* b) noexcept {
  free_.remove(b);
  --free_blocks_;
}

// --- reallocation -------------------------------------------------------------------------------

template <class Config, PageSource Pages>
void* BlockHeap<Config, Pages>::reallocate(void* p, std::size_t size) noexcept {
  Region* region = nullptr;
  Block* b = validate(p, &region);
  const std::size_t old_requested = b->requested();
  const std::size_t need = block_size_for(size);
  if (need == 0) return nullptr;
  const bool has_large_region = region->bytes() > Config::kRegionBytes && is_sole(region, b);
  Block* resized = nullptr;
  if (has_large_region && need > kRegionRoom) resized = resize_region(region, b, need, size);
  // A block that became small moves out of a large region, which it would hold for its little rest.
  const bool should_move_out = has_large_region && need <= kRegionRoom;
  if (resized == nullptr && !should_move_out && resize_in_place(region, b, need, size)) resized = b;
  if (resized == nullptr) {
    void* moved = allocate(size, kAlign);
    if (moved != nullptr) {
      // All usable bytes, for callers that ask usable_size() may have written to all of them.
      memcpy(moved, p, size < b->usable() ? size : b->usable());
      deallocate(p);
      return moved;
    }
    if (!should_move_out || !resize_in_place(region, b, need, size)) return nullptr;
    resized = b;
  }
  requested_bytes_ = requested_bytes_ - old_requested + size;
  return resized->payload();
}

template <class Config, PageSource Pages>
bool BlockHeap<Config, Pages>::resize_in_place(Region* region, Block* b, std::size_t need,
                                               std::size_t size) noexcept {
  if (b->size() < need) {
    Block* next = b->next();
    if (next->is_used() || b->size() + next->size() < need) return false;
    const std::size_t size_both = b->size() + next->size();
    const std::uint64_t last = next->is_last() ? Block::kLast : 0;
    remove_free(next);
    b->write_used(size_both, b->prev_size(), last, 0);
    b->next()->set_prev_size(size_both);
    if (last != 0) {
      const std::uintptr_t with_rest = b->address() + need + Block::kMinBytes;
      region->touch_until(with_rest < b->end() ? with_rest : b->end());
    }
  }
  trim_tail(region, b, need, size);
  return true;
}

// Leaves b `need` bytes and frees the rest, if that is enough for a block.
template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::trim_tail(Region* region, Block* b, std::size_t need,
                                         std::size_t size) noexcept {
  const std::size_t rest_size = b->size() - need;
  if (rest_size >= Block::kMinBytes) {
    const std::uint64_t last = b->is_last() ? Block::kLast : 0;
    Block* rest = Block::at(b->address() + need);
    rest->write_used(rest_size, need, last, 0);
    b->next()->set_prev_size(rest_size);
    b->write_used(need, b->prev_size(), 0, 0);
    free_block(region, rest);
  }
  b->set_requested(size);
}

// A block with a large region to itself is resized with the region, by the kernel's page tables
// instead of a copy. nullptr = not possible, and nothing changed.
template <class Config, PageSource Pages>
Block* BlockHeap<Config, Pages>::resize_region(Region* region, Block* b, std::size_t need,
                                               std::size_t size) noexcept {
  const std::size_t old_bytes = region->bytes();
  const std::size_t new_bytes =
      align_up(region->first_offset() + need + Region::kSentinelBytes, kPageBytes);
  if (new_bytes == old_bytes) return nullptr;
  Block* rest = b->is_last() ? nullptr : b->next();
  if (rest != nullptr) remove_free(rest);
  const std::uintptr_t old_base = region->base();
  void* moved = pages_.remap(region, old_bytes, new_bytes);
  if (moved == nullptr) {
    if (rest != nullptr) insert_free(rest);
    return nullptr;
  }
  regions_.remove(old_base);
  region = static_cast<Region*>(moved);
  region->rebuild(new_bytes);
  regions_.insert(region);
  region_pages_ = region_pages_ - old_bytes / kPageBytes + new_bytes / kPageBytes;
  b = region->first();
  b->write_used(region->room(), 0, Block::kLast, region->room() - Block::kHeaderBytes - size);
  return b;
}

// --- the rest -----------------------------------------------------------------------------------

template <class Config, PageSource Pages>
std::size_t BlockHeap<Config, Pages>::usable_size(const void* p) noexcept {
  if (p == nullptr) return 0;
  Region* region = nullptr;
  return validate(p, &region)->usable();
}

template <class Config, PageSource Pages>
HeapStats BlockHeap<Config, Pages>::stats() const noexcept {
  HeapStats stats;
  stats.total_allocated_bytes = requested_bytes_;
  stats.total_pages = region_pages_ + regions_.pages();
  stats.page_size_bytes = kPageBytes;
  stats.live_blocks = live_blocks_;
  stats.free_blocks = free_blocks_;
  return stats;
}

// The bytes of free blocks' whole pages that were given back just now, and of the spare region.
template <class Config, PageSource Pages>
std::size_t BlockHeap<Config, Pages>::purge() noexcept {
  std::size_t given = 0;
  if (spare_ != nullptr) {
    Region* region = spare_;
    Block* b = region->first();
    const std::uintptr_t base = region->base();
    remove_free(b);
    if (pages_.unmap(region, Config::kRegionBytes)) {
      regions_.remove(base);
      region_pages_ -= Config::kRegionBytes / kPageBytes;
      given += Config::kRegionBytes;
      spare_ = nullptr;
    } else {
      insert_free(b);
    }
  }
  for (std::size_t i = 0; i < regions_.count(); ++i) {
    Region* region = regions_.at(i);
    for (Block* b = region->first(); b != region->sentinel(); b = b->next()) {
      if (!b->is_used() && !b->is_purged()) given += purge_block(region, b);
    }
  }
  return given;
}

// pre: b is free.
template <class Config, PageSource Pages>
std::size_t BlockHeap<Config, Pages>::purge_block(Region* region, Block* b) noexcept {
  const std::uintptr_t start = align_up(b->address() + Block::kMinBytes, kPageBytes);
  std::uintptr_t end = align_down(b->end(), kPageBytes);
  const bool is_rest_fresh = b->is_last() && region->touched_end() <= end;
  if (is_rest_fresh) end = align_up(region->touched_end(), kPageBytes);
  if (start >= end || !pages_.discard(reinterpret_cast<void*>(start), end - start)) return 0;
  b->set_purged();
  if (is_rest_fresh) region->untouch_from(start);
  return end - start;
}

// --- misuse -------------------------------------------------------------------------------------

// The live block whose payload is p; anything else ends the process. Reads no byte outside the
// heap's regions, whatever p is.
template <class Config, PageSource Pages>
Block* BlockHeap<Config, Pages>::validate(const void* p, Region** region) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  Region* r = regions_.find(address);
  if (r == nullptr) report_foreign_pointer(p);
  Block* b = Block::of_payload(p);
  const bool is_inside =
      address >= r->first()->address() + Block::kHeaderBytes && address < r->sentinel()->address();
  if (!is_aligned(address, kAlign) || !is_inside || !b->is_intact()) diagnose(p, r);
  if (!b->is_used()) report_double_free(p);
  const std::uintptr_t room = r->sentinel()->address() - b->address();
  if (b->size() < Block::kMinBytes || b->size() > room || !is_aligned(b->size(), kAlign)) {
    diagnose(p, r);
  }
  const Block* next = b->next();
  if (!next->is_intact() || next->prev_size() != b->size()) report_corrupted_header(p, next);
  if (b != r->first()) {
    if (b->prev_size() > b->address() - r->first()->address()) diagnose(p, r);
    const Block* prev = b->prev();
    if (!prev->is_intact() || prev->size() != b->prev_size()) report_corrupted_header(p, prev);
  }
  *region = r;
  return b;
}

// Tells what p is by a walk over its region: the process ends anyway. O(blocks).
template <class Config, PageSource Pages>
void BlockHeap<Config, Pages>::diagnose(const void* p, const Region* region) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (!is_aligned(address, kAlign)) report_misaligned_pointer(p);
  if (address < region->first()->address() + Block::kHeaderBytes) report_foreign_pointer(p);
  Block* b = region->first();
  while (b < region->sentinel()) {
    if (b->payload() == p) report_corrupted_header(p, b);
    if (!b->is_intact() || b->size() < Block::kMinBytes) report_corrupted_header(p, b);
    if (address < b->end() + Block::kHeaderBytes) {
      if (!b->is_used()) report_double_free(p);
      report_interior_pointer(p, b->payload());
    }
    b = b->next();
  }
  report_foreign_pointer(p);
}

}  // namespace mem
