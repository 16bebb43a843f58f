// A program to be recorded: argv[1] names what it does. The calls of interest stand between two
// mallocs of kBegin and kEnd bytes, so that a test can tell them from those of the C library.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

extern "C" void* reallocarray(void*, size_t, size_t) noexcept;

namespace {

constexpr std::size_t kBegin = 424'242;
constexpr std::size_t kEnd = 424'243;

void check(bool good) {
  if (!good) abort();
}

void mark(std::size_t size) { free(malloc(size)); }

void c_calls() {
  errno = 77;
  void* a = malloc(101);
  void* b = calloc(3, 34);
  void* c = nullptr;
  check(posix_memalign(&c, 64, 103) == 0);
  void* d = aligned_alloc(128, 256);
  void* e = memalign(32, 105);
  void* f = valloc(106);
  void* g = realloc(nullptr, 107);
  a = realloc(a, 100'001);
  b = reallocarray(b, 5, 30);
  check(realloc(g, 0) == nullptr);
  free(nullptr);
  free(f);
  free(e);
  free(d);
  free(c);
  free(b);
  free(a);
  check(errno == 77);
}

void cxx_calls() {
  const std::align_val_t align{64};
  void* a = ::operator new(201);
  void* b = ::operator new[](202);
  void* c = ::operator new(203, std::nothrow);
  void* d = ::operator new[](204, std::nothrow);
  void* e = ::operator new(256, align);
  void* f = ::operator new[](320, align);
  void* g = ::operator new(384, align, std::nothrow);
  void* h = ::operator new[](448, align, std::nothrow);
  ::operator delete(a);
  ::operator delete[](b);
  ::operator delete (c, std::size_t{203});
  ::operator delete[](d, std::size_t{204});
  ::operator delete(e, align);
  ::operator delete[](f, align);
  ::operator delete (g, std::size_t{384}, align);
  ::operator delete[](h, std::size_t{448}, align);
}

// Out of memory passes through the library as what it is.
void failures() {
  // volatile: the compiler knows that such calls fail, and would judge them.
  const volatile std::size_t too_much = SIZE_MAX / 2;
  check(malloc(too_much) == nullptr && errno == ENOMEM);
  check(calloc(too_much, 4) == nullptr);
  void* volatile kept = malloc(301);
  memset(kept, 5, 301);
  check(realloc(kept, too_much) == nullptr);
  check(reallocarray(kept, too_much, 4) == nullptr);
  check(static_cast<char*>(kept)[300] == 5);
  bool thrown = false;
  try {
    ::operator delete(::operator new(too_much));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  check(thrown && ::operator new(too_much, std::nothrow) == nullptr);
  free(kept);
}

// What a new-handler releases is the program's own and belongs in the trace.
void* g_reserve;
void new_handler_frees() {
  g_reserve = malloc(302);
  std::set_new_handler([] {
    free(g_reserve);
    std::set_new_handler(nullptr);
  });
  try {
    ::operator delete(::operator new(SIZE_MAX / 2));
  } catch (const std::bad_alloc&) {
  }
}

// Two frames of a stack, kept apart from one another and from main.
__attribute__((noinline)) void innermost() {
  void* volatile block = malloc(801);
  free(block);
}
__attribute__((noinline)) void outer(int count) {
  for (int i = 0; i < count; ++i) innermost();
}

// Code without unwind information, as that of a compiler at run time. Its frame is kept.
extern "C" void* without_unwind_information(std::size_t size);
__asm__(
    ".text\n"
    ".type without_unwind_information,@function\n"
    "without_unwind_information:\n"
    "  push %rbp\n"
    "  mov %rsp, %rbp\n"
    "  call malloc@PLT\n"
    "  pop %rbp\n"
    "  ret\n"
    ".size without_unwind_information, .-without_unwind_information\n");

// A program that closes what it does not know, and uses the numbers for its own.
void use_all_descriptors() {
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  int channel[2];
  check(pipe2(channel, O_NONBLOCK) == 0 && channel[0] == 3 && channel[1] == 4);
  check(write(channel[1], "hello", 5) == 5);
  for (int i = 0; i < 3; ++i) free(without_unwind_information(803));
  char got[16];
  check(read(channel[0], got, sizeof(got)) == 5 && memcmp(got, "hello", 5) == 0);
  check(close(channel[0]) == 0 && close(channel[1]) == 0);
}

void* one_block(void*) {
  free(malloc(501));
  return nullptr;
}

// The first call of the thread is made by the C library, under a lock of the thread's own.
void* ask_for_attributes(void*) {
  pthread_attr_t attributes;
  check(pthread_getattr_np(pthread_self(), &attributes) == 0);
  check(pthread_attr_destroy(&attributes) == 0);
  outer(1);
  return nullptr;
}

// A key's destructor runs when the thread's own variables are gone.
pthread_key_t g_key;
void* block_freed_by_destructor(void*) {
  pthread_setspecific(g_key, malloc(502));
  return nullptr;
}

void many_threads(void* (*body)(void*), int count) {
  check(pthread_key_create(&g_key, free) == 0);
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    check(pthread_create(&thread, nullptr, body, nullptr) == 0);
    check(pthread_join(thread, nullptr) == 0);
  }
}

// Blocks change hands through slots; whoever finds one frees it at once. All threads share one
// arena (and, as the test sets it, have no cache of their own), so that an address freed by one is
// the next that another is given.
constexpr int kSlots = 64;
constexpr int kRounds = 250'000;
std::atomic<void*> g_slots[kSlots];

void* pass_blocks(void* seed) {
  auto random = reinterpret_cast<std::uintptr_t>(seed) * 2 + 1;
  for (int i = 0; i < kRounds; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const std::size_t size = 16 + (random >> 62) * 16;
    void* fresh = (random >> 58) % 4 == 0 ? realloc(malloc(size), size * 40) : malloc(size);
    free(g_slots[(random >> 33) % kSlots].exchange(fresh));
  }
  return nullptr;
}

void race() {
  check(mallopt(M_ARENA_MAX, 1) == 1);
  pthread_t threads[4];
  for (std::uintptr_t i = 0; i < 4; ++i) {
    check(pthread_create(&threads[i], nullptr, pass_blocks, reinterpret_cast<void*>(i)) == 0);
  }
  for (const pthread_t thread : threads) check(pthread_join(thread, nullptr) == 0);
  for (auto& slot : g_slots) free(slot.load());
}

void loop(int count) {
  for (int i = 0; i < count; ++i) free(malloc(701));
}

// So many threads that have made a call and live, while another makes many.
pthread_barrier_t g_all_there;
void* call_and_wait(void*) {
  free(malloc(501));
  pthread_barrier_wait(&g_all_there);
  pthread_barrier_wait(&g_all_there);
  return nullptr;
}
void loop_in_company(unsigned threads) {
  constexpr unsigned kMost = 64;
  pthread_t company[kMost];
  check(threads <= kMost && pthread_barrier_init(&g_all_there, nullptr, threads + 1) == 0);
  for (unsigned i = 0; i < threads; ++i) {
    check(pthread_create(&company[i], nullptr, call_and_wait, nullptr) == 0);
  }
  pthread_barrier_wait(&g_all_there);
  loop(100'000);
  pthread_barrier_wait(&g_all_there);
  for (unsigned i = 0; i < threads; ++i) check(pthread_join(company[i], nullptr) == 0);
}

void fork_child() {
  void* shared = malloc(601);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 100'000; ++i) free(malloc(602));
    free(shared);
    _exit(0);
  }
  int status = 1;
  check(waitpid(child, &status, 0) == child && status == 0);
  free(shared);
}

// What an exec or posix_spawn without the recorder's variables gives to the next program.
char g_kept[] = "SUBJECT_KEPT=yes";
char* g_bare[] = {g_kept, nullptr};

// A module whose constructor waits for a thread that calls operators.
void load(const char* module) { check(dlopen(module, RTLD_NOW) != nullptr); }

// Modules one after the other, each asked for a block.
void take_turns(char** modules) {
  for (; *modules != nullptr; ++modules) {
    void* const module = dlopen(*modules, RTLD_NOW);
    check(module != nullptr);
    void* (*give)() = nullptr;
    void* const symbol = dlsym(module, "give");
    memcpy(&give, &symbol, sizeof(symbol));
    free(give());
    check(dlclose(module) == 0);
  }
}

// Becomes argv[0], whose name holds a slash, through the function of that name.
void become(const char* function, char** argv) {
  const auto is = [function](const char* name) { return strcmp(function, name) == 0; };
  environ = g_bare;
  if (is("execv")) execv(argv[0], argv);
  if (is("execve")) execve(argv[0], argv, g_bare);
  if (is("execvp")) execvp(argv[0], argv);
  if (is("execvpe")) execvpe(argv[0], argv, g_bare);
  if (is("execl")) execl(argv[0], argv[0], argv[1], nullptr);
  if (is("execlp")) execlp(argv[0], argv[0], argv[1], nullptr);
  if (is("execle")) execle(argv[0], argv[0], argv[1], nullptr, g_bare);
  if (is("fexecve")) fexecve(open(argv[0], O_RDONLY | O_CLOEXEC), argv, g_bare);
  if (is("execveat")) execveat(AT_FDCWD, argv[0], argv, g_bare, 0);
  check(false);
}

void spawn(const char* function, char** argv) {
  const bool by_name = strcmp(function, "posix_spawnp") == 0;
  pid_t child = 0;
  int status = 1;
  check((by_name ? posix_spawnp : posix_spawn)(&child, argv[0], nullptr, nullptr, argv, g_bare) ==
        0);
  check(waitpid(child, &status, 0) == child && status == 0);
}

// What an exec leaves of errno and environment where it cannot be done.
void fail_to_become() {
  errno = 0;
  check(execv("/no/such/program", g_bare) == -1 && errno == ENOENT);
  check(execve("/no/such/program", g_bare, nullptr) == -1 && errno == ENOENT);
  check(execlp("no-such-program", "x", "y", nullptr) == -1 && errno == ENOENT);
}

// Few calls that ask for much and keep it, beside the many of outer().
__attribute__((noinline)) void* hoard() {
  void* volatile block = malloc(300'000);
  return block;
}
__attribute__((noinline)) void* grow(void* block) {
  void* volatile grown = realloc(block, 500'000);
  return grown;
}
void hot(int count) {
  outer(count);
  static void* volatile kept[2];
  const volatile int blocks = 2;  // one place that calls, not two
  for (int i = 0; i < blocks; ++i) kept[i] = hoard();
  kept[0] = grow(kept[0]);
}

// Blocks that the allocator maps for themselves, of which nothing, ten pages, or all is written.
void touch() {
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{10 * 4096}, std::size_t{900'001}}) {
    char* volatile block = static_cast<char*>(malloc(900'001));
    if (bytes != 0)
      memset(block + (bytes == 900'001 ? 0 : 4096), 1, bytes == 900'001 ? bytes : bytes - 16);
    free(block);
  }
}

}  // namespace

int main(int argc, char** argv) {
  check(argc >= 2);
  const char* what = argv[1];
  const auto is = [what](const char* name) { return strcmp(what, name) == 0; };
  const int count = argc >= 3 ? atoi(argv[2]) : 0;
  mark(kBegin);
  if (is("c")) c_calls();
  if (is("odd-alignment")) free(memalign(24, 806));
  if (is("cxx")) cxx_calls();
  if (is("failures")) failures();
  if (is("new-handler")) new_handler_frees();
  if (is("threads")) many_threads(one_block, count);
  if (is("destructors")) many_threads(block_freed_by_destructor, count);
  if (is("attributes")) many_threads(ask_for_attributes, count);
  if (is("company")) loop_in_company(static_cast<unsigned>(count));
  if (is("load")) load(argv[2]);
  if (is("take-turns")) take_turns(argv + 2);
  if (is("remove-module")) {
    take_turns(argv + 2);
    check(unlink(argv[2]) == 0);
  }
  if (is("race")) race();
  if (is("fork")) fork_child();
  if (is("loop")) loop(count);
  if (is("sites")) outer(count);
  if (is("hot")) hot(count);
  if (is("use-descriptors")) use_all_descriptors();
  if (is("lowest-descriptor")) return dup(0);
  if (is("touch")) touch();
  if (is("exit")) return count;
  if (is("exec")) execvp(argv[2], argv + 2);
  if (is("become")) become(argv[2], argv + 3);
  if (is("spawn")) spawn(argv[2], argv + 3);
  if (is("fail-to-become")) fail_to_become();
  if (is("kept")) {
    const char* value = getenv("SUBJECT_KEPT");
    check(value != nullptr && strcmp(value, "yes") == 0);
    loop(701);
  }
  if (is("killed")) {
    loop(count);
    raise(SIGKILL);
  }
  if (is("close-all")) {
    for (int fd = 0; fd < 1024; ++fd) close(fd);
    loop(count);
  }
  mark(kEnd);
  return 0;
}
