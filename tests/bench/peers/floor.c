#define _GNU_SOURCE
#include "tests/bench/peers/floor.h"

#include <stdint.h>
#include <sys/mman.h>

enum { kChunkBytes = 64 << 10, kArenaBytes = 64 << 20, kLargest = 32 << 10, kHeadBytes = 64 };
enum { kClasses = 64 };

struct object {
  struct object* next;
};

static char constant_object[1 << 16] __attribute__((aligned(64)));
static struct object* lists[kClasses];
static char* fresh_chunk;
static char* arena_end;

void* floor_constant_malloc(size_t size) {
  (void)size;
  return constant_object;
}

void floor_constant_free(void* p) { (void)p; }

// Steps of 16 up to 256, then eight to a doubling: 16 classes and 8 for each of 7 doublings.
static unsigned class_of(size_t size) {
  if (size <= 256) return size == 0 ? 0 : (unsigned)((size - 1) >> 4);
  const unsigned top = 63U - (unsigned)__builtin_clzl(size - 1);
  return 16 + (top - 8) * 8 + (unsigned)(((size - 1) >> (top - 3)) & 7);
}

static size_t size_of(unsigned index) {
  if (index < 16) return (index + 1) * 16UL;
  const unsigned top = 8 + (index - 16) / 8;
  return (8UL + (index - 16) % 8 + 1) << (top - 3);
}

static char* new_chunk(void) {
  if (fresh_chunk == arena_end) {
    char* const arena = mmap(NULL, kArenaBytes + kChunkBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) return NULL;
    fresh_chunk = arena + (kChunkBytes - (uintptr_t)arena % kChunkBytes) % kChunkBytes;
    arena_end = fresh_chunk + kArenaBytes;
  }
  char* const chunk = fresh_chunk;
  fresh_chunk += kChunkBytes;
  return chunk;
}

static int refill(unsigned index) {
  char* const chunk = new_chunk();
  if (chunk == NULL) return 0;
  *(unsigned*)(void*)chunk = index;
  const size_t size = size_of(index);
  struct object** tail = &lists[index];
  for (char* p = chunk + kHeadBytes; p + size <= chunk + kChunkBytes; p += size) {
    *tail = (struct object*)(void*)p;
    tail = &(*tail)->next;
  }
  *tail = NULL;
  return lists[index] != NULL;
}

void* floor_lists_malloc(size_t size) {
  if (size > kLargest) return NULL;
  const unsigned index = class_of(size);
  if (lists[index] == NULL && !refill(index)) return NULL;
  struct object* const result = lists[index];
  lists[index] = result->next;
  return result;
}

void floor_lists_free(void* p) {
  const unsigned index = *(unsigned*)(void*)((uintptr_t)p & ~(uintptr_t)(kChunkBytes - 1));
  struct object* const object = p;
  object->next = lists[index];
  lists[index] = object;
}
