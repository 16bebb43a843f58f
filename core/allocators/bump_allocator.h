// The bump allocator: hands out consecutive bytes of mapped chunks and never takes any back. The
// floor of what an allocation can cost, and the ceiling of what memory can be wasted.
//
// Safe from any thread (one lock). allocate: O(1), and a system call for each chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/alloc/allocator.h"
#include "core/base/lock.h"

namespace mem {

class BumpAllocator {
 public:
  constexpr BumpAllocator() noexcept = default;

  void* allocate(std::size_t size, std::size_t align) noexcept;
  void deallocate(void* /*p*/) noexcept {}

 private:
  // Larger than a page-fault batch and small beside any trace worth replaying.
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

  Mutex mutex_;
  std::uintptr_t next_ = 0;
  std::uintptr_t end_ = 0;
};

}  // namespace mem
