/* The C face of `mem`: an allocator beside the program's malloc, or instead of it.
 *
 * Link libmem.a to have just these functions; link or preload libmem.so and it serves malloc, free
 * and operator new as well, from the same heap. All functions are safe from any thread and keep
 * their heap whole across fork. A pointer into no memory of this heap, or a block freed last and
 * freed again, ends the process with a line on stderr that names it; of what else is no live block,
 * much is told and not all (core/README.md).
 */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MEM_NOEXCEPT noexcept
extern "C" {
#else
#define MEM_NOEXCEPT
#endif

/* Real-time counters of the heap. */
typedef struct mem_stats_t {
  uint64_t
      total_allocated; /* bytes of live blocks: as asked for beyond 32 KiB, else rounded up to 16 */
  uint64_t total_pages; /* pages in use, free ones still resident, and the heap's own tables */
  uint64_t page_size;   /* bytes of such a page */
  uint64_t live_blocks; /* those in bins of other running threads included */
  uint64_t free_blocks; /* free objects that a slab holds */
} mem_stats_t;

/* At least `size` bytes, aligned for any type; for 0 a unique block. NULL and ENOMEM if there is no
 * memory. */
void* mem_malloc(size_t size) MEM_NOEXCEPT;

/* Ends the life of a block; nothing for NULL. Keeps errno. */
void mem_free(void* block) MEM_NOEXCEPT;

/* count * size bytes, all zero. NULL and ENOMEM also if the product overflows. */
void* mem_calloc(size_t count, size_t size) MEM_NOEXCEPT;

/* Resizes a block, in place where it can, and keeps the first min(old, new) bytes. NULL as `block`
 * allocates; 0 as `size` frees and answers NULL. On failure NULL and ENOMEM, and `block` lives on.
 */
void* mem_realloc(void* block, size_t size) MEM_NOEXCEPT;

/* As mem_malloc, at a multiple of `align`, any power of two. NULL and EINVAL for another `align`.
 */
void* mem_aligned_alloc(size_t align, size_t size) MEM_NOEXCEPT;

/* Bytes of a live block that may be used, at least what was asked for; 0 for NULL. */
size_t mem_usable_size(const void* block) MEM_NOEXCEPT;

/* Gives unused memory back to the kernel; answers how many bytes. */
size_t mem_purge(void) MEM_NOEXCEPT;

mem_stats_t mem_stats(void) MEM_NOEXCEPT;

/* Walks the whole heap: 0 if each invariant holds, else the number of the first that does not. */
int mem_check(void) MEM_NOEXCEPT;

/* The same by the short names of the original. */
void* _malloc(size_t size) MEM_NOEXCEPT;
void _free(void* block) MEM_NOEXCEPT;
void* _calloc(size_t count, size_t size) MEM_NOEXCEPT;
void* _realloc(void* block, size_t size) MEM_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* MEM_H */
