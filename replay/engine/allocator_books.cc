#include "replay/engine/allocator_books.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "replay/engine/malloc_library.h"

namespace replay {
namespace {

using Mallinfo2 = struct mallinfo2 (*)();
using MallocStats = void (*)();
using Mallctl = int (*)(const char* name, void* old, std::size_t* old_size, void* value,
                        std::size_t value_size);

template <class Function>
Function find(const char* name) {
  return reinterpret_cast<Function>(beside_malloc(name));
}

// What `write` writes to stderr, in `text`, terminated. Returns false if it cannot be caught.
template <std::size_t kSize>
bool catch_stderr(MallocStats write, char (&text)[kSize]) {
  const int file = ::memfd_create("allocreplay-malloc-stats", MFD_CLOEXEC);
  const int before = ::dup(STDERR_FILENO);
  if (file < 0 || before < 0) return false;
  ::dup2(file, STDERR_FILENO);
  write();
  ::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  const ssize_t length = ::pread(file, text, kSize - 1, 0);
  ::close(before);
  ::close(file);
  text[length > 0 ? length : 0] = '\0';
  return length > 0;
}

bool read_size(Mallctl mallctl, const char* name, std::uint64_t& out) {
  std::size_t value = 0;
  std::size_t size = sizeof(value);
  if (mallctl(name, &value, &size, nullptr, 0) != 0) return false;
  out = value;
  return true;
}

AllocatorBooks books_of_jemalloc(Mallctl mallctl) {
  AllocatorBooks books{BooksKind::kMallctl};
  std::uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
  books.metadata_known = read_size(mallctl, "stats.metadata", books.metadata_bytes);
  // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
  books.caches_known = read_size(mallctl, "stats.arenas.4096.tcache_bytes", books.caches_bytes);
  return books;
}

}  // namespace

AllocatorBooks books_of_mallinfo(const struct mallinfo2& info, const LiveTotals& live) {
  constexpr std::uint64_t kHeader = 8;
  AllocatorBooks books{BooksKind::kMallinfo2, true, true};
  books.metadata_bytes = kHeader * (live.objects + info.hblks);
  const std::uint64_t in_use = info.uordblks + info.hblkhd;
  const std::uint64_t live_chunks = live.usable_bytes + books.metadata_bytes;
  books.caches_bytes = info.fsmblks + (in_use > live_chunks ? in_use - live_chunks : 0);
  return books;
}

AllocatorBooks books_of_mem(const char* text, std::uint64_t page_bytes) {
  AllocatorBooks books{BooksKind::kMallocStats};
  const char* pages = std::strstr(text, "mem: pages:");
  const char* own = pages == nullptr ? nullptr : std::strstr(pages, " own ");
  unsigned long long count = 0;
  if (own == nullptr || ::sscanf(own, " own %llu", &count) != 1) return {};
  books.metadata_known = true;
  books.metadata_bytes = count * page_bytes;
  return books;
}

AllocatorBooks read_malloc_books(const LiveTotals& live) {
  const auto malloc_stats = find<MallocStats>("malloc_stats");
  if (beside_malloc("mem_stats") != nullptr && malloc_stats != nullptr) {
    char text[16384];
    if (!catch_stderr(malloc_stats, text)) return {};
    return books_of_mem(text, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  }
  if (const auto mallctl = find<Mallctl>("mallctl")) return books_of_jemalloc(mallctl);
  // Others have a mallinfo2 too, but fill it in ways of their own.
  if (beside_malloc("gnu_get_libc_version") != nullptr) {
    if (const auto info = find<Mallinfo2>("mallinfo2")) return books_of_mallinfo(info(), live);
  }
  return {};
}

}  // namespace replay
