// The system calls by which an allocator gets and gives back memory.
#pragma once

#include <cstdint>

namespace replay {

enum class MemoryCall : std::uint32_t { kMmap, kMunmap, kMremap, kMadvise, kMprotect, kBrk };
inline constexpr int kMemoryCallCount = 6;

constexpr const char* memory_call_name(MemoryCall call) {
  constexpr const char* kNames[kMemoryCallCount] = {"mmap",    "munmap",   "mremap",
                                                    "madvise", "mprotect", "brk"};
  return kNames[static_cast<int>(call)];
}

}  // namespace replay
