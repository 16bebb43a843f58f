// Which of malloc's family a name in a call log stands for, C++ operators included, mangled or not.
#pragma once

#include <cstdint>
#include <string_view>

namespace replay {

enum class AllocationFunction : std::uint8_t {
  kNone,
  kMalloc,         // (size); operator new without an alignment too
  kCalloc,         // (count, size)
  kRealloc,        // (block, size)
  kReallocArray,   // (block, count, size)
  kMemalign,       // (alignment, size); aligned_alloc too
  kPosixMemalign,  // (where to write the block, alignment, size)
  kNewAligned,     // (size, alignment)
  kValloc,         // (size): aligned to a page
  kPvalloc,        // likewise, the size rounded up to a page
  kFree,           // (block); every operator delete too
};

// O(length of the name). kNone for all others.
AllocationFunction allocation_function(std::string_view name);

}  // namespace replay
