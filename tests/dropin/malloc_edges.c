/* What C, POSIX and glibc say of malloc's family, asked of the malloc that this process has. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
      return 1;                                                       \
    }                                                                 \
  } while (0)

static int is_aligned(const void* p, size_t align) { return ((uintptr_t)p & (align - 1)) == 0; }

static int check_who_serves(void) {
  Dl_info info;
  EXPECT(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0);
  EXPECT(strstr(info.dli_fname, "libmem.so") != NULL);
  return 0;
}

/* A class in demand has objects of the largest size that it was asked for, up to then. */
static int check_sizes_of_one_class(void) {
  enum { kBlocks = 2000 };
  static char* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    const size_t size = i < kBlocks / 2 ? 1930 : 2040;
    blocks[i] = malloc(size);
    EXPECT(blocks[i] != NULL && malloc_usable_size(blocks[i]) >= size);
    memset(blocks[i], i, size);
    if (i == kBlocks / 2 - 1) {
      free(blocks[i]);
      blocks[i] = NULL;
    }
  }
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  return 0;
}

static int check_sizes(void) {
  void* a = malloc(0);
  void* b = malloc(0);
  EXPECT(a != NULL && b != NULL && a != b);
  free(a);
  free(b);
  free(NULL);
  const size_t too_large[] = {SIZE_MAX, SIZE_MAX - 16, (size_t)PTRDIFF_MAX + 1};
  for (size_t i = 0; i < 3; ++i) {
    errno = 0;
    EXPECT(malloc(too_large[i]) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(calloc(1, too_large[i]) == NULL && errno == ENOMEM);
    void* p = malloc(10);
    errno = 0;
    EXPECT(realloc(p, too_large[i]) == NULL && errno == ENOMEM);
    free(p); /* lives on */
    errno = 0;
    EXPECT(pvalloc(too_large[i]) == NULL && errno == ENOMEM);
  }
  errno = 0;
  volatile size_t half = SIZE_MAX / 2; /* or the compiler warns of what is the point */
  EXPECT(calloc(half, 3) == NULL && errno == ENOMEM);
  volatile size_t wraps = SIZE_MAX / 16 + 2; /* times 16 is 16 again, which would be served */
  errno = 0;
  EXPECT(calloc(wraps, 16) == NULL && errno == ENOMEM);
  EXPECT(malloc_usable_size(NULL) == 0);
  return 0;
}

static int check_realloc(void) {
  char* p = realloc(NULL, 10);
  EXPECT(p != NULL);
  memset(p, 7, 10);
  p = realloc(p, 100000);
  EXPECT(p[9] == 7);
  p = realloc(p, 5);
  EXPECT(p[4] == 7);
  EXPECT(realloc(p, 0) == NULL);
  return 0;
}

static int check_alignment(void) {
  for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
    void* p = memalign(align, 33);
    EXPECT(p != NULL && is_aligned(p, align));
    EXPECT(malloc_usable_size(p) >= 33);
    memset(p, 1, 33);
    free(p);
    p = aligned_alloc(align, align);
    EXPECT(p != NULL && is_aligned(p, align));
    free(p);
    if (align >= sizeof(void*)) {
      EXPECT(posix_memalign(&p, align, 100) == 0 && is_aligned(p, align));
      free(p);
    }
  }
  void* untouched = &untouched;
  void* p = untouched;
  errno = 99;
  EXPECT(posix_memalign(&p, 24, 8) == EINVAL && p == untouched);
  EXPECT(posix_memalign(&p, 4, 8) == EINVAL && p == untouched);
  EXPECT(posix_memalign(&p, 0, 8) == EINVAL && p == untouched);
  EXPECT(posix_memalign(&p, 16, SIZE_MAX) == ENOMEM && p == untouched);
  EXPECT(errno == 99);
  volatile size_t odd = 24; /* or the compiler warns, as above */
  EXPECT(aligned_alloc(odd, 8) == NULL && errno == EINVAL);
  p = valloc(1);
  EXPECT(is_aligned(p, 4096));
  free(p);
  p = pvalloc(1);
  EXPECT(is_aligned(p, 4096) && malloc_usable_size(p) >= 4096);
  free(p);
  EXPECT(is_aligned(malloc(1), 16));
  return 0;
}

static int check_errno_kept_by_free(void) {
  void* small = malloc(10);
  void* large = malloc((size_t)64 << 20);
  errno = 1234;
  free(large);
  free(small);
  EXPECT(errno == 1234);
  return 0;
}

static int check_c23_and_gnu(void) {
  void (*free_sized)(void*, size_t) = (void (*)(void*, size_t))dlsym(RTLD_DEFAULT, "free_sized");
  void (*free_aligned_sized)(void*, size_t, size_t) =
      (void (*)(void*, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
  EXPECT(free_sized != NULL && free_aligned_sized != NULL);
  free_sized(malloc(40), 40);
  free_aligned_sized(aligned_alloc(64, 128), 64, 128);

  char* p = malloc((size_t)1 << 20);
  memset(p, 1, (size_t)1 << 20);
  const struct mallinfo2 info = mallinfo2();
  EXPECT(info.uordblks >= (size_t)1 << 20 && info.arena >= info.uordblks);
  free(p);
  EXPECT(mallinfo2().uordblks < info.uordblks);
  malloc_trim(0);
  FILE* stream = tmpfile();
  EXPECT(stream != NULL && malloc_info(0, stream) == 0 && ftell(stream) > 0);
  fclose(stream);
  errno = 0;
  EXPECT(malloc_info(1, stdout) == -1 && errno == EINVAL);
  malloc_stats();
  return 0;
}

int main(void) {
  if (check_who_serves() != 0 || check_sizes() != 0 || check_sizes_of_one_class() != 0 ||
      check_realloc() != 0 || check_alignment() != 0 || check_errno_kept_by_free() != 0 ||
      check_c23_and_gnu() != 0) {
    return 1;
  }
  puts("ok");
  return 0;
}
