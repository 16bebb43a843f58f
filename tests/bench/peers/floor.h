// The least that an allocator could do, in a shared library so that it is called along the same
// path as a preloaded malloc. Not thread-safe, never gives anything back: floors to hold figures
// against.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// One constant address for every request, and a free that does nothing.
void* floor_constant_malloc(size_t size);
void floor_constant_free(void* p);

// A list of free objects per size class and nothing else: the class of an object stands at the head
// of the 64 KiB chunk that it was cut from. Requests above 32 KiB get a null pointer.
void* floor_lists_malloc(size_t size);
void floor_lists_free(void* p);

#ifdef __cplusplus
}
#endif
