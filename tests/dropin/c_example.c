/* The C face from C11: a growing list of words, and what the heap says of itself. */
#include <mem.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
      return 1;                                                       \
    }                                                                 \
  } while (0)

int main(void) {
  size_t count = 0;
  size_t capacity = 1;
  char** words = mem_malloc(capacity * sizeof(char*));
  EXPECT(words != NULL);
  while (count < 1000) {
    if (count == capacity) {
      capacity *= 2;
      words = mem_realloc(words, capacity * sizeof(char*));
      EXPECT(words != NULL);
    }
    words[count] = mem_calloc(1, 32);
    EXPECT(words[count] != NULL);
    snprintf(words[count], 32, "word %zu", count);
    ++count;
  }
  EXPECT(strcmp(words[999], "word 999") == 0);
  EXPECT(mem_stats().live_blocks >= 1001);
  EXPECT(mem_stats().total_allocated >= 1000 * 32 + 1000 * sizeof(char*));
  EXPECT(mem_stats().total_pages * mem_stats().page_size >= mem_stats().total_allocated);
  EXPECT(mem_usable_size(words[0]) >= 32);
  EXPECT(mem_check() == 0);
  while (count > 0) mem_free(words[--count]);
  mem_free(words);

  void* aligned = mem_aligned_alloc(4096, 10);
  EXPECT(((uintptr_t)aligned & 4095) == 0);
  mem_free(aligned);
  EXPECT(mem_aligned_alloc(24, 10) == NULL);
  EXPECT(mem_calloc(SIZE_MAX / 16 + 2, 16) == NULL); /* wraps to 16 */
  EXPECT(mem_malloc((size_t)-1) == NULL);
  EXPECT(mem_realloc(mem_malloc(5), 0) == NULL);

  char* seed = _malloc(10);
  seed = _realloc(seed, 20);
  _free(seed);
  _free(_calloc(2, 8));
  mem_purge();
  EXPECT(mem_check() == 0);
  puts("ok");
  return 0;
}
