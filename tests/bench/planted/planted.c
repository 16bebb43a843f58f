// glibc's malloc with a planted fault, to be preloaded: what `allocreplay ab` must find.
//
//   PLANTED_SLOW          every call executes as many more instructions as the environment variable
//                         PLANTED_INSTRUCTIONS says when the library is loaded; more than
//                         PLANTED_MOST end the process
//   PLANTED_LEAK_PERCENT  so many pages more than the most that were live, resident and never used
//
// With both 0 it is what the other two are to be compared with: the detour itself costs too, and
// all three count live bytes. The instructions stand between two fences, and before a few that are
// executed in any case. Without the fences a processor that executes out of order hides some of
// them behind whatever the allocator waits for, more or fewer by the machine and the moment, and
// without those few behind the call itself. So each costs the same, and what some cost follows from
// what many do. Thread-safe. Linux with glibc, whose __libc_ names reach its malloc past this one.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void* block);

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// One instruction, of the same length each time, that waits for the one before: a cycle each.
// Others are executed in pairs, not at all, or at a rate that hangs on where in a line of the cache
// they lie.
#if defined(__x86_64__)
#define STEP "not %eax"
#elif defined(__aarch64__)
#define STEP "mvn w9, w9"
#else
#define STEP "nop"
#endif

// Called at an address inside, it executes what is left of them.
#define STEPS(count) "\t.rept " TEXT(count) "\n\t" STEP "\n\t.endr\n"
__asm__(".pushsection .text\nplanted_all:\n" STEPS(PLANTED_MOST)  // as many as are wanted
        "planted_none:\n" STEPS(16) "\tret\n\t.popsection");      // in any case
extern const char planted_all[] __attribute__((visibility("hidden")));
extern const char planted_none[] __attribute__((visibility("hidden")));

// Read anew by each call, or the compiler would make the libraries without PLANTED_SLOW call it
// directly, which the other does not.
static const char* volatile entry = planted_none;

// Waits for all instructions before it, and lets none after it begin.
static inline void fence(void) {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#else
  __sync_synchronize();
#endif
}

static inline void burn(void) {
  fence();
  ((void (*)(void))entry)();
  fence();
}

#if PLANTED_SLOW
__attribute__((constructor)) static void choose_entry(void) {
  const char* text = getenv("PLANTED_INSTRUCTIONS");
  const long wanted = text == NULL ? 0 : strtol(text, NULL, 10);
  if (wanted < 0 || wanted > PLANTED_MOST) abort();
  entry = planted_none - (planted_none - planted_all) / PLANTED_MOST * wanted;
}
#endif

enum { kPage = 4096, kBatch = 8 };
static atomic_size_t live_bytes;

#if PLANTED_LEAK_PERCENT
static atomic_size_t leaked_pages;

// Keeps the leak at its share of the most bytes that were ever live.
static void leak(void) {
  const size_t wanted = atomic_load(&live_bytes) / kPage * PLANTED_LEAK_PERCENT / 100;
  size_t have = atomic_load(&leaked_pages);
  while (have + kBatch <= wanted) {
    if (!atomic_compare_exchange_weak(&leaked_pages, &have, have + kBatch)) continue;
    mmap(NULL, (size_t)kBatch * kPage, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    have += kBatch;
  }
}
#else
static void leak(void) {}
#endif

static size_t size_of(void* block) { return block == NULL ? 0 : malloc_usable_size(block) + 8; }

static void* born(void* block) {
  atomic_fetch_add(&live_bytes, size_of(block));
  leak();
  return block;
}

static void dies(void* block) { atomic_fetch_sub(&live_bytes, size_of(block)); }

void* malloc(size_t size) {
  burn();
  return born(__libc_malloc(size));
}

void* calloc(size_t count, size_t size) {
  burn();
  return born(__libc_calloc(count, size));
}

void* realloc(void* block, size_t size) {
  burn();
  const size_t before = size_of(block);
  void* after = __libc_realloc(block, size);
  if (after != NULL || size == 0) atomic_fetch_sub(&live_bytes, before);
  return born(after);
}

void free(void* block) {
  burn();
  dies(block);
  __libc_free(block);
}

void* memalign(size_t alignment, size_t size) {
  burn();
  return born(__libc_memalign(alignment, size));
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block == NULL ? ENOMEM : 0;
}
