// Named sets of compile-time policies. A config is a type; nothing of it exists at run time.
#pragma once

#include <cstddef>

#include "core/mem/policy/lifo_list.h"
#include "core/mem/policy/segregated_lists.h"

namespace mem {

// kAlignBytes: what every payload is aligned to. kRegionBytes: what is asked of the kernel at a
// time; 1 MiB keeps the calls rare (one per thousands of blocks) and untouched pages cost no
// memory, while more would let one live block hold more address space.

// `mem-classic`: the plain seed.
struct ClassicConfig {
  static constexpr std::size_t kAlignBytes = 8;
  static constexpr std::size_t kRegionBytes = std::size_t{1} << 20;
  using FreeBlocks = LifoList;
};

// The classic heap aligned for any type and searching by size.
struct SegregatedConfig {
  static constexpr std::size_t kAlignBytes = alignof(std::max_align_t);
  static constexpr std::size_t kRegionBytes = std::size_t{1} << 20;
  using FreeBlocks = SegregatedLists;
};

}  // namespace mem
