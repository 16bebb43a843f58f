// malloc and its family, as C, POSIX and glibc define them, on the default heap. Not reallocarray,
// strdup and their like: the C library's own call these.
//
// Safe from any thread, before constructors and inside the dynamic linker: the heap is constant-
// initialised, and its thread-local pointer is of the initial-exec kind. Costs are the heap's.
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/allocators/named_heaps.h"
#include "core/base/bits.h"
#include "core/dropin/stats_report.h"
#include "core/include/mem.h"

namespace {

using mem::default_heap;
using mem::kPageBytes;

// The two figures are read one after the other, and other threads go on meanwhile.
size_t bytes_not_allocated(const mem_stats_t& stats) noexcept {
  const size_t held = stats.total_pages * stats.page_size;
  return held > stats.total_allocated ? held - stats.total_allocated : 0;
}

int clamp_to_int(size_t n) noexcept { return n > INT32_MAX ? INT32_MAX : static_cast<int>(n); }

[[gnu::noinline]] int posix_memalign_slow(void** result, size_t align, size_t size) noexcept {
  const int saved_errno = errno;
  void* p = default_heap.allocate(size, align);
  errno = saved_errno;
  if (p == nullptr) return ENOMEM;
  *result = p;
  return 0;
}

}  // namespace

extern "C" {

[[gnu::aligned(64)]] void* malloc(size_t size) noexcept { return default_heap.allocate(size, 0); }
[[gnu::aligned(64)]] void free(void* p) noexcept { default_heap.deallocate(p); }
void cfree(void* p) noexcept { mem_free(p); }
void* calloc(size_t count, size_t size) noexcept { return mem_calloc(count, size); }
void* realloc(void* p, size_t size) noexcept { return mem_realloc(p, size); }

// C23: the sizes are what the caller knows already; the header knows better.
void free_sized(void* p, size_t /*size*/) noexcept { mem_free(p); }
void free_aligned_sized(void* p, size_t /*align*/, size_t /*size*/) noexcept { mem_free(p); }

void* aligned_alloc(size_t align, size_t size) noexcept { return mem_aligned_alloc(align, size); }
void* memalign(size_t align, size_t size) noexcept { return mem_aligned_alloc(align, size); }
void* valloc(size_t size) noexcept { return mem_aligned_alloc(kPageBytes, size); }

void* pvalloc(size_t size) noexcept {
  if (size > PTRDIFF_MAX) {
    errno = ENOMEM;
    return nullptr;
  }
  return mem_aligned_alloc(kPageBytes, mem::align_up(size, kPageBytes));
}

// The one that answers an error code, and leaves errno and *result alone on failure.
int posix_memalign(void** result, size_t align, size_t size) noexcept {
  if (!mem::is_pow2(align) || align < sizeof(void*)) return EINVAL;
  void* p = default_heap.take(size, align);
  if (__builtin_expect(p == nullptr, 0)) return posix_memalign_slow(result, align, size);
  *result = p;
  return 0;
}

size_t malloc_usable_size(void* p) noexcept { return mem_usable_size(p); }

int malloc_trim(size_t /*pad*/) noexcept { return mem_purge() != 0 ? 1 : 0; }

// 0 = not set: no parameter of glibc's heap means anything here.
int mallopt(int /*parameter*/, int /*value*/) noexcept { return 0; }

struct mallinfo2 mallinfo2(void) noexcept {
  const mem_stats_t stats = mem_stats();
  struct mallinfo2 info = {};
  info.arena = stats.total_pages * stats.page_size;
  info.ordblks = stats.free_blocks;
  info.uordblks = stats.total_allocated;
  info.fordblks = bytes_not_allocated(stats);
  return info;
}

struct mallinfo mallinfo(void) noexcept {
  const struct mallinfo2 wide = mallinfo2();
  struct mallinfo info = {};
  info.arena = clamp_to_int(wide.arena);
  info.ordblks = clamp_to_int(wide.ordblks);
  info.uordblks = clamp_to_int(wide.uordblks);
  info.fordblks = clamp_to_int(wide.fordblks);
  return info;
}

void malloc_stats(void) noexcept { mem::write_stats_table(stderr, default_heap.detailed_stats()); }

int malloc_info(int options, FILE* stream) noexcept {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  const mem_stats_t stats = mem_stats();
  const int written = fprintf(stream,
                              "<malloc version=\"mem-1\">\n"
                              "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
                              "<system type=\"current\" size=\"%zu\"/>\n"
                              "</malloc>\n",
                              size_t{stats.free_blocks}, bytes_not_allocated(stats),
                              size_t{stats.total_pages * stats.page_size});
  return written < 0 ? -1 : 0;
}

}  // extern "C"
