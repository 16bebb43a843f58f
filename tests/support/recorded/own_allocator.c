/* A program that brings its allocator with it: what it calls never comes to a preloaded library. */
#include <stdlib.h>
#include <string.h>

static char pool[1 << 20];
static size_t used;

void* malloc(size_t size) {
  void* block = pool + used;
  used += (size + 15) & ~(size_t)15;
  return block;
}
void* calloc(size_t count, size_t size) { return memset(malloc(count * size), 0, count * size); }
void* realloc(void* block, size_t size) {
  void* moved = malloc(size);
  return block == NULL ? moved : memcpy(moved, block, size);
}
void free(void* block) { (void)block; }

int main(void) {
  free(malloc(100));
  return 0;
}
