// What an allocator's own books say of the memory that it holds beside the live objects: its
// metadata, and free blocks that its caches keep. For the worker: no C++ library; asking may make
// the allocator and the C library allocate, so it is done when all else has been looked at.
#pragma once

#include <malloc.h>

#include <cstdint>

namespace replay {

// Who told.
enum class BooksKind : std::uint32_t { kNone, kMallinfo2, kMallocStats, kMallctl };

constexpr const char* books_name(BooksKind kind) {
  constexpr const char* kNames[] = {"", "mallinfo2", "malloc_stats", "mallctl"};
  return kNames[static_cast<int>(kind)];
}

struct AllocatorBooks {
  BooksKind kind = BooksKind::kNone;
  bool metadata_known = false;
  bool caches_known = false;
  std::uint64_t metadata_bytes = 0;
  std::uint64_t caches_bytes = 0;
};

// Live objects as the replay counts them.
struct LiveTotals {
  std::uint64_t objects = 0;
  std::uint64_t usable_bytes = 0;
};

// Of glibc: a chunk has 8 bytes of header beside its usable ones, one that is mapped has 16; what
// its books call in use is more than the live chunks by what lies in thread caches.
AllocatorBooks books_of_mallinfo(const struct mallinfo2& info, const LiveTotals& live);

// Of mem: `text` is what its malloc_stats writes.
AllocatorBooks books_of_mem(const char* text, std::uint64_t page_bytes);

// Of the malloc of this process: glibc's, mem's or jemalloc's; kNone for any other.
AllocatorBooks read_malloc_books(const LiveTotals& live);

}  // namespace replay
