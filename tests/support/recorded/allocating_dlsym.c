/* Preloaded behind the recorder: a dlsym that asks for memory, as that of some C libraries does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void* dlsym(void* handle, const char* name) {
  static void* (*next)(void*, const char*);
  if (next == NULL) next = (void* (*)(void*, const char*))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
  char* p = calloc(10, 20);
  for (int i = 0; i < 200; ++i) {
    if (p[i] != 0) abort();
  }
  memset(p, 7, 200);
  p = realloc(p, 500);
  if (p[199] != 7 || malloc_usable_size(p) < 500) abort();
  free(p);
  return next(handle, name);
}
