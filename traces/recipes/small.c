/* What small.trace records: four threads that use all five operations, keep blocks for a while, and
 * free some that other threads allocated. Sizes follow from a fixed seed; the order of the threads
 * does not. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { kThreads = 4, kRounds = 1200, kOwn = 200, kShared = 32 };

static _Atomic(void*) g_shared[kShared];

static uint32_t next_random(uint64_t* state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

/* Mostly small, now and then large. */
static size_t next_size(uint64_t* state) {
  const uint32_t kind = next_random(state) % 64;
  if (kind == 0) return 4096 + next_random(state) % 120000;
  return kind < 8 ? 256 + next_random(state) % 3000 : 8 + next_random(state) % 200;
}

static void* next_block(uint64_t* state) {
  const size_t size = next_size(state);
  void* p = NULL;
  switch (next_random(state) % 8) {
    case 0:
      return calloc(1 + size / 16, 16);
    case 1:
      return posix_memalign(&p, (size_t)16 << next_random(state) % 6, size) == 0 ? p : NULL;
    default:
      return malloc(size);
  }
}

static void* work(void* seed) {
  uint64_t state = (uint64_t)(uintptr_t)seed;
  void* own[kOwn] = {0};
  for (int round = 0; round < kRounds; ++round) {
    void** slot = &own[next_random(&state) % kOwn];
    if (*slot != NULL && next_random(&state) % 4 == 0) {
      void* grown = realloc(*slot, next_size(&state));
      if (grown != NULL) *slot = grown;
      continue;
    }
    free(*slot);
    *slot = next_block(&state);
    if (next_random(&state) % 8 == 0) {
      *slot = atomic_exchange(&g_shared[next_random(&state) % kShared], *slot);
    }
  }
  for (int i = 0; i < kOwn; ++i) free(own[i]);
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  for (uintptr_t i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], NULL, work, (void*)(i + 1)) != 0) return 1;
  }
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < kShared; ++i) free(g_shared[i]);
  return 0;
}
