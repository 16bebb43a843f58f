// A region: one mapping from the kernel, tiled by blocks from its first block to its sentinel.
//
//   base                       first                                    sentinel        base+size
//    | Region: 32 bytes | gap    | block | block | ... | block (last) ... | header: 16 |
//                        ^ only before an aligned block that has the region to itself
//
// Bytes from touched_end to the sentinel have never been written since they came from the kernel,
// so they are zero. Not thread-safe; every operation O(1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/mem/block.h"

namespace mem {

class Region {
 public:
  static constexpr std::size_t kHeaderBytes = 32;
  static constexpr std::size_t kSentinelBytes = Block::kHeaderBytes;

  // pre: [memory, memory + bytes) is mapped, page-aligned and zero. post: the region's header and
  // sentinel stand; the header of its one block, at first(), is for the caller to write.
  static Region* create(void* memory, std::size_t bytes, std::size_t first_offset) noexcept {
    auto* region = static_cast<Region*>(memory);
    region->bytes_ = bytes;
    region->first_offset_ = first_offset;
    region->touched_end_ = region->first_address() + Block::kMinBytes;
    region->magic_ = region->expected_magic();
    region->sentinel()->write_sentinel(region->room());
    return region;
  }

  // pre: the mapping of this region was moved here or resized to `bytes`, and holds one block.
  void rebuild(std::size_t bytes) noexcept {
    bytes_ = bytes;
    magic_ = expected_magic();
    sentinel()->write_sentinel(room());
    touched_end_ = sentinel()->address();
  }

  std::uintptr_t base() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  std::size_t bytes() const noexcept { return bytes_; }
  Block* first() const noexcept { return Block::at(first_address()); }
  Block* sentinel() const noexcept { return Block::at(base() + bytes_ - kSentinelBytes); }
  // Bytes that blocks tile.
  std::size_t room() const noexcept { return bytes_ - first_offset_ - kSentinelBytes; }
  std::size_t first_offset() const noexcept { return first_offset_; }
  bool is_intact() const noexcept { return magic_ == expected_magic(); }

  std::uintptr_t touched_end() const noexcept { return touched_end_; }
  void touch_until(std::uintptr_t end) noexcept {
    if (end > touched_end_) touched_end_ = end;
  }
  // pre: the bytes from `end` on were discarded.
  void untouch_from(std::uintptr_t end) noexcept { touched_end_ = end; }

 private:
  std::uintptr_t first_address() const noexcept { return base() + first_offset_; }
  std::uint64_t expected_magic() const noexcept {
    return 0x6d656d2d72656731 ^ base() ^ bytes_ ^ (std::uint64_t{first_offset_} << 40);
  }

  std::uint64_t magic_;
  std::size_t bytes_;
  std::size_t first_offset_;
  std::uintptr_t touched_end_;
};

static_assert(sizeof(Region) == Region::kHeaderBytes);

}  // namespace mem
