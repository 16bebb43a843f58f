// What the tools of the golden files and of the live tests record: every call of malloc's family,
// memory that another thread frees, and, of its own accord, glibc's mtrace (MALLOC_TRACE).
#include <malloc.h>
#include <mcheck.h>
#include <pthread.h>
#include <stdlib.h>

static void* volatile sink;

static void* take_over(void* memory) {
  free(memory);
  for (int i = 0; i < 10; ++i) {
    void* volatile own = malloc(100 + (size_t)i);
    free(own);
  }
  return malloc(77);
}

int main(void) {
  mtrace();
  char* a = malloc(24);
  char* b = calloc(3, 40);
  a = realloc(a, 48);
  a = realloc(a, 20000);
  char* c = realloc(NULL, 64);
  free(NULL);
  void* d = NULL;
  if (posix_memalign(&d, 256, 500) != 0) return 1;
  void* e = aligned_alloc(64, 128);
  void* f = memalign(32, 33);
  sink = malloc(0);
  free(d);
  free(e);
  free(f);
  free(c);

  pthread_t threads[2];
  void* handed_over[2] = {b, malloc(9)};
  for (int i = 0; i < 2; ++i) {
    if (pthread_create(&threads[i], NULL, take_over, handed_over[i]) != 0) return 1;
  }
  for (int i = 0; i < 2; ++i) {
    void* from_thread = NULL;
    pthread_join(threads[i], &from_thread);
    free(from_thread);
  }
  free(a);
  for (size_t size = 1; size < 3000; size *= 3) {
    sink = malloc(size);
    sink = realloc(sink, size * 2);
    if (size % 2 == 1) free(sink);
  }
  muntrace();
  return 0;
}
