// The block heap: first fit over an explicit logical list of free blocks, with boundary tags for
// coalescing, in regions from a PageSource. One class for every config; it does no locking (heap.h
// does) and keeps no caches.
//
// Not thread-safe. Costs, for K free blocks that the policy looks at:
//   allocate              O(K) and at most one region from the page source
//   deallocate            O(1) plus the region lookup, O(log regions)
//   reallocate            O(1) in place, else an allocation, a copy and a deallocation
//   usable_size, stats    O(1)
//   purge, check          O(blocks)
// Misuse (a pointer that is not a live block of this heap, a header that was written over) ends
// the process through core/os/report.h.
//
// Invariants, which check() asserts by number:
//   1  The region table is sorted, without overlap, and agrees with each region's own header.
//   2  Every header holds the magic number of its state.
//   3  Blocks tile their region exactly: aligned sizes of at least the minimum, up to the sentinel.
//   4  A header's prev size is the size of the block before it, 0 for the first.
//   5  No two free blocks are neighbours.
//   6  The logical list holds only free blocks of this heap's regions, with mutual links.
//   7  Every free block is in the logical list exactly once.
//   8  Each free block is in the list that the policy wants it in, and the policy's index agrees.
//   9  total_allocated_bytes, live_blocks and free_blocks are what a walk counts.
//  10  total_pages is the pages of all regions and of the region table.
//  11  Exactly the block before the sentinel is flagged as the last; only free blocks are purged.
//  12  A region's touched_end lies beyond the links of its last block and not beyond the sentinel.
//  13  At most the spare region is empty, save those that the page source refused to take back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/alloc/allocator.h"
#include "core/mem/block.h"
#include "core/mem/config.h"
#include "core/mem/region.h"
#include "core/mem/region_table.h"
#include "core/os/linux_pages.h"
#include "core/os/page_source.h"

namespace mem {

template <class Config, PageSource Pages>
class BlockHeap {
 public:
  constexpr BlockHeap() noexcept = default;
  BlockHeap(const BlockHeap&) = delete;
  BlockHeap& operator=(const BlockHeap&) = delete;

  // As the concepts of core/alloc/allocator.h say. align: 0 or a power of two.
  void* allocate(std::size_t size, std::size_t align) noexcept;
  void* allocate_zeroed(std::size_t size) noexcept;
  void* reallocate(void* p, std::size_t size) noexcept;
  void deallocate(void* p) noexcept;
  std::size_t usable_size(const void* p) noexcept;
  std::size_t purge() noexcept;
  int check() noexcept;
  HeapStats stats() const noexcept;

  Pages& pages() noexcept { return pages_; }

  // Room for one block, header included, in a region of the standard size.
  static constexpr std::size_t kRegionRoom =
      Config::kRegionBytes - Region::kHeaderBytes - Region::kSentinelBytes;

 private:
  static constexpr std::size_t kAlign = Config::kAlignBytes;

  // A block just taken from the free ones; its bytes from zero_from on are known to be zero.
  struct Taken {
    Block* block;
    std::uintptr_t zero_from;
  };

  static std::size_t block_size_for(std::size_t size) noexcept;
  static std::size_t front_gap(const Block* b, std::size_t align) noexcept;
  static bool is_sole(const Region* region, const Block* b) noexcept;

  Taken take(std::size_t size, std::size_t align) noexcept;
  Block* find(std::size_t need, std::size_t align) noexcept;
  Taken place(Block* b, std::size_t gap, std::size_t need, std::size_t size) noexcept;
  Taken take_dedicated(std::size_t need, std::size_t align, std::size_t size) noexcept;
  Region* add_region(std::size_t bytes, std::size_t align, std::size_t first_offset) noexcept;
  Block* add_standard_region() noexcept;

  void free_block(Region* region, Block* b) noexcept;
  void retire_region(Region* region) noexcept;
  void insert_free(Block* b) noexcept;
  void remove_free(Block* b) noexcept;

  bool resize_in_place(Region* region, Block* b, std::size_t need, std::size_t size) noexcept;
  Block* resize_region(Region* region, Block* b, std::size_t need, std::size_t size) noexcept;
  void trim_tail(Region* region, Block* b, std::size_t need, std::size_t size) noexcept;
  std::size_t purge_block(Region* region, Block* b) noexcept;

  Block* validate(const void* p, Region** region) noexcept;
  [[noreturn]] void diagnose(const void* p, const Region* region) noexcept;

  struct Census;
  int check_regions() noexcept;
  int check_blocks(const Region* region, Census& census) noexcept;
  int check_list(const Census& census) noexcept;

  [[no_unique_address]] Pages pages_;
  typename Config::FreeBlocks free_;
  RegionTable regions_;
  Region* spare_ = nullptr;  // the one empty region that is kept
  std::size_t region_pages_ = 0;
  std::size_t requested_bytes_ = 0;
  std::size_t live_blocks_ = 0;
  std::size_t free_blocks_ = 0;
  std::size_t refused_unmaps_ = 0;
};

extern template class BlockHeap<ClassicConfig, LinuxPages>;
extern template class BlockHeap<SegregatedConfig, LinuxPages>;

}  // namespace mem
