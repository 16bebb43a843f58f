// What scripts/bench_recorder runs with one thread and with two: each thread keeps a working set of
// small objects, ends the oldest and makes a new one, and shares nothing with the others. Prints
// the nanoseconds that an event (malloc or free) took a thread, the mean over the threads.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kLive = 1024, kMaxThreads = 64 };

// Each on cache lines of its own, and those of the prefetcher's pair: what a thread writes there as
// it runs is no business of the others.
struct Work {
  _Alignas(128) long pairs;
  uint64_t seed;
  double ns_per_event;
};

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void* run(void* given) {
  struct Work* const work = given;
  void* live[kLive] = {NULL};
  const double begin = now_ns();
  for (long i = 0; i < work->pairs; ++i) {
    work->seed = work->seed * 6364136223846793005u + 1442695040888963407u;
    void** const slot = &live[i % kLive];
    free(*slot);
    *slot = malloc(16 + (work->seed >> 56));
    if (*slot == NULL) abort();
    *(volatile char*)*slot = 1;
  }
  work->ns_per_event = (now_ns() - begin) / (2.0 * (double)work->pairs);
  for (int i = 0; i < kLive; ++i) free(live[i]);
  return NULL;
}

int main(int argc, char** argv) {
  const long threads = argc == 3 ? atol(argv[1]) : 0;
  const long pairs = argc == 3 ? atol(argv[2]) : 0;
  if (threads < 1 || threads > kMaxThreads || pairs < 1) {
    fputs("usage: recorder_load THREADS PAIRS\n", stderr);
    return 2;
  }
  struct Work work[kMaxThreads];
  pthread_t ids[kMaxThreads];
  for (long i = 0; i < threads; ++i) {
    work[i] = (struct Work){pairs, (uint64_t)i + 1, 0};
    if (pthread_create(&ids[i], NULL, run, &work[i]) != 0) return 1;
  }
  double sum = 0;
  for (long i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
    sum += work[i].ns_per_event;
  }
  printf("%.3f\n", sum / (double)threads);
  return 0;
}
