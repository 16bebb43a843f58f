// A block: memory with a header, in a region that its blocks tile. Headers are boundary tags: each
// holds its own size and the size of the block before, which is the physical list.
//
//            used block                          free block
//   +0   +------------------------+          +------------------------+
//        | slack:16 size:45 flags |          | 0:16     size:45 flags |
//   +8   +------------------------+          +------------------------+
//        | magic:16 prev size:48  |          | magic:16 prev size:48  |
//   +16  +------------------------+ payload  +------------------------+
//        |                        |          | next free block, mixed |
//   +24  |   the caller's bytes   |          +------------------------+
//        |                        |          | previous one, mixed    |
//   +32  |                        |          +------------------------+
//        |                        |          | left as it was         |
//        +------------------------+          +------------------------+ +size
//
// Sizes count the header, in bytes, and are multiples of 8, so that their low 3 bits are free for
// flags. slack: usable bytes beyond what the caller asked for. magic: one number for used and one
// for free, mixed with the header's own address, so that neither zeroes nor a copied header pass.
// A region ends in a sentinel: a used header of size 0.
//
// Not thread-safe; every operation O(1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"

namespace mem {

class Block {
 public:
  static constexpr std::size_t kHeaderBytes = 16;
  static constexpr std::size_t kMinBytes = 32;  // header and both links of a free block
  static constexpr std::size_t kMaxSlackBytes = 0xffff;

  static constexpr std::uint64_t kUsed = 1;
  static constexpr std::uint64_t kLast = 2;    // the next header is the sentinel
  static constexpr std::uint64_t kPurged = 4;  // free, and its whole pages were discarded

  static Block* at(std::uintptr_t address) noexcept { return reinterpret_cast<Block*>(address); }
  static Block* of_payload(const void* p) noexcept {
    return at(reinterpret_cast<std::uintptr_t>(p) - kHeaderBytes);
  }

  std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  std::uintptr_t end() const noexcept { return address() + size(); }
  void* payload() noexcept { return reinterpret_cast<void*>(address() + kHeaderBytes); }

  std::size_t size() const noexcept { return size_word_ & kSizeMask; }
  std::size_t prev_size() const noexcept { return prev_word_ & kLow48; }
  std::size_t usable() const noexcept { return size() - kHeaderBytes; }
  std::size_t requested() const noexcept { return usable() - (size_word_ >> 48); }
  bool is_used() const noexcept { return (size_word_ & kUsed) != 0; }
  bool is_last() const noexcept { return (size_word_ & kLast) != 0; }
  bool is_purged() const noexcept { return (size_word_ & kPurged) != 0; }

  Block* next() const noexcept { return at(address() + size()); }
  Block* prev() const noexcept { return at(address() - prev_size()); }  // pre: prev_size() != 0

  // The magic number is that of the state that the flags tell, at this very address.
  bool is_intact() const noexcept { return (prev_word_ >> 48) == magic(is_used()); }

  void write_used(std::size_t size, std::size_t prev_size, std::uint64_t flags,
                  std::size_t slack) noexcept {
    size_word_ = std::uint64_t{slack} << 48 | size | flags | kUsed;
    prev_word_ = magic(true) << 48 | prev_size;
  }
  void write_free(std::size_t size, std::size_t prev_size, std::uint64_t flags) noexcept {
    size_word_ = size | flags;
    prev_word_ = magic(false) << 48 | prev_size;
  }
  void write_sentinel(std::size_t prev_size) noexcept { write_used(0, prev_size, 0, 0); }
  void set_prev_size(std::size_t prev_size) noexcept {
    prev_word_ = (prev_word_ & ~kLow48) | prev_size;
  }
  void set_requested(std::size_t requested) noexcept {
    size_word_ = std::uint64_t{usable() - requested} << 48 | (size_word_ & kLow48);
  }
  void set_purged() noexcept { size_word_ |= kPurged; }

  // The links of the logical list, in what are the caller's bytes while used. pre: free.
  Block* next_free() const noexcept { return at(next_link_ ^ link_mask()); }
  Block* prev_free() const noexcept { return at(prev_link_ ^ link_mask()); }
  void set_next_free(Block* b) noexcept { next_link_ = to_address(b) ^ link_mask(); }
  void set_prev_free(Block* b) noexcept { prev_link_ = to_address(b) ^ link_mask(); }

  // Whether a link could be an address at all. Links are stored mixed with their own place, so
  // what a write into a free block leaves there reads as a random number, and 20 bits of an
  // address are known: it is below 2^47 and a multiple of 8.
  static bool is_plausible(const Block* link) noexcept {
    return (to_address(link) & ~(((std::uintptr_t{1} << 47) - 1) & ~std::uintptr_t{7})) == 0;
  }

 private:
  static constexpr std::uint64_t kLow48 = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint64_t kSizeMask = kLow48 & ~std::uint64_t{7};
  static constexpr std::uint64_t kUsedMagic = 0xa10c;
  static constexpr std::uint64_t kFreeMagic = 0x5bee;

  std::uint64_t magic(bool used) const noexcept {
    const std::uint64_t a = address() >> 3;
    return ((used ? kUsedMagic : kFreeMagic) ^ a ^ (a >> 16)) & 0xffff;
  }

  static std::uintptr_t to_address(const Block* b) noexcept {
    return reinterpret_cast<std::uintptr_t>(b);
  }
  // The multiplier is 2^64 over the golden ratio, which spreads neighbouring addresses best.
  std::uintptr_t link_mask() const noexcept { return address() * 0x9e3779b97f4a7c15; }

  std::uint64_t size_word_;
  std::uint64_t prev_word_;
  std::uintptr_t next_link_;
  std::uintptr_t prev_link_;
};

static_assert(sizeof(Block) == Block::kMinBytes);
static_assert(sizeof(void*) == 8, "sizes and addresses share 64-bit words with flags and magic");

}  // namespace mem
