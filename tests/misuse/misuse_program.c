/* Commits the misuse that its argument names; what comes after must not be reached.
 *
 * Built twice: on the C face, and with MISUSE_OF_MALLOC on whatever malloc the process has. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#ifdef MISUSE_OF_MALLOC
#include <malloc.h>
/* Pointers that may change, so that the compiler neither warns of the misuse nor removes it. */
static void* (*volatile mem_malloc)(size_t) = malloc;
static void (*volatile mem_free)(void*) = free;
static void* (*volatile mem_realloc)(void*, size_t) = realloc;
static size_t (*volatile mem_usable_size)(void*) = malloc_usable_size;
void* __libc_malloc(size_t size); /* which glibc keeps for itself */
#else
#include "mem.h"
#define __libc_malloc malloc
#endif

static void double_free_immediate(void) {
  void* p = mem_malloc(100);
  void* wall = mem_malloc(100);
  (void)wall;
  mem_free(p);
  mem_free(p);
}

static void double_free_coalesced(void) {
  char* a = mem_malloc(100);
  char* b = mem_malloc(100);
  void* wall = mem_malloc(100);
  (void)wall;
  mem_free(b);
  mem_free(a); /* b is inside a's block now */
  mem_free(b);
}

static void double_free_large(void) {
  void* p = mem_malloc((size_t)8 << 20);
  mem_free(p);
  mem_free(p);
}

static void double_free_after_another(void) {
  void* p = mem_malloc(100);
  void* q = mem_malloc(100);
  void* wall = mem_malloc(100);
  (void)wall;
  mem_free(p);
  mem_free(q);
  mem_free(p);
}

static void* free_it(void* p) {
  mem_free(p);
  return NULL;
}

static void free_in_thread(void* p) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, free_it, p) == 0) pthread_join(thread, NULL);
}

static void double_free_by_thread_large(void) {
  void* small = mem_malloc(100);  // so that what the thread needs does not land where p was
  (void)small;
  void* p = mem_malloc((size_t)8 << 20);
  mem_free(p);
  free_in_thread(p);
}

static void realloc_after_free_large(void) {
  void* p = mem_malloc((size_t)8 << 20);
  mem_free(p);
  mem_realloc(p, 200);
}

static void realloc_after_free(void) {
  void* p = mem_malloc(100);
  void* wall = mem_malloc(100);
  (void)wall;
  mem_free(p);
  mem_realloc(p, 200);
}

static void interior(void) {
  char* p = mem_malloc(1000);
  memset(p, 0x41, 1000);
  mem_free(p + 160);
}

static void interior_of_large(void) {
  char* p = mem_malloc((size_t)8 << 20);
  mem_free(p + ((size_t)4 << 20));
}

static void end_of_large(void) {
  char* p = mem_malloc((size_t)8 << 20);
  mem_free(p + mem_usable_size(p));
}

static void misaligned_large(void) {
  char* p = mem_malloc((size_t)8 << 20);
  mem_free(p + 1);
}

static void realloc_of_interior_large(void) {
  char* p = mem_malloc((size_t)8 << 20);
  mem_realloc(p + 4096, 10);
}

static void mapped_page(void) {
  mem_malloc(1);
  char* p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mem_free(p + 4096);
}

static void global(void) {
  static _Alignas(64) char here[256];
  char* volatile p = here;
  mem_malloc(1);
  mem_free(p + 64);
}

static void code(void) {
  mem_malloc(1);
  mem_free((void*)((uintptr_t)free_it & ~(uintptr_t)15));
}

static void stack(void) {
  char here[64];
  char* volatile p = here;
  mem_malloc(1);
  mem_free((void*)(((uintptr_t)p + 15) & ~(uintptr_t)15));
}

static void wild(void) {
  mem_malloc(1);
  mem_free((void*)0x123456789ab0);
}

static void empty_heap(void) { mem_free((void*)0x10); }

static void misaligned(void) {
  char* p = mem_malloc(100);
  mem_free(p + 1);
}

static void other_malloc(void) {
  void* p = __libc_malloc(100);
  mem_free(p);
}

static void usable_size_of_wild(void) { printf("%zu\n", mem_usable_size((void*)0x4000)); }

static const struct {
  const char* name;
  void (*commit)(void);
} kCases[] = {
    {"double_free_immediate", double_free_immediate},
    {"double_free_coalesced", double_free_coalesced},
    {"double_free_after_another", double_free_after_another},
    {"double_free_large", double_free_large},
    {"double_free_by_thread_large", double_free_by_thread_large},
    {"realloc_after_free_large", realloc_after_free_large},
    {"realloc_after_free", realloc_after_free},
    {"interior", interior},
    {"interior_of_large", interior_of_large},
    {"end_of_large", end_of_large},
    {"misaligned_large", misaligned_large},
    {"realloc_of_interior_large", realloc_of_interior_large},
    {"mapped_page", mapped_page},
    {"global", global},
    {"code", code},
    {"stack", stack},
    {"wild", wild},
    {"empty_heap", empty_heap},
    {"misaligned", misaligned},
    {"other_malloc", other_malloc},
    {"usable_size_of_wild", usable_size_of_wild},
};

int main(int argc, char** argv) {
  for (size_t i = 0; argc == 2 && i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    if (strcmp(argv[1], kCases[i].name) == 0) {
      kCases[i].commit();
      puts("went unnoticed");
      return 0;
    }
  }
  return 2;
}
