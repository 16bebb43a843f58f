#include "replay/record/preload/unwinder.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "replay/record/spool.h"

namespace replay::preload {

namespace {

using Word = std::uint64_t;

// The first of what libunwind calls to look at a program, as its header declares it.
struct Accessors {
  void* find_proc_info;
  void* put_unwind_info;
  void* get_dyn_info_list_addr;
  int (*access_mem)(void* space, Word address, Word* value, int write, void* argument);
};

// The kernel reads a set of signals before it finds that there is no such way to change one.
bool can_be_read(Word address) {
  constexpr int kNoWay = -1;
  return syscall(SYS_rt_sigprocmask, kNoWay, address, nullptr, sizeof(Word)) == -1 &&
         errno != EFAULT;
}

// In place of libunwind's own, which, for code without unwind information, tries an address by
// writing from it into a pipe: programs close descriptors that they do not know, and then a byte
// went into a file of the program's, and one of the program's was read away.
int access_memory(void*, Word address, Word* value, int write, void*) {
  auto* const place = reinterpret_cast<Word*>(address);
  if (write != 0) {
    *place = *value;
    return 0;
  }
  if (!can_be_read(address)) return -1;
  *value = *place;
  return 0;
}

// The pipe that a function makes, where it is the next one made.
struct NextPipe {
  int ends[2];

  NextPipe() {
    if (pipe2(ends, O_CLOEXEC) == 0) {
      close(ends[0]);
      close(ends[1]);
    } else {
      ends[0] = ends[1] = -1;
    }
  }
  void close_if_made() const {
    struct stat a {};
    struct stat b {};
    if (fstat(ends[0], &a) != 0 || fstat(ends[1], &b) != 0) return;
    if (!S_ISFIFO(a.st_mode) || a.st_dev != b.st_dev || a.st_ino != b.st_ino) return;
    close(ends[0]);
    close(ends[1]);
  }
};

template <class Function>
bool look_up(void* library, const char* name, Function& function) {
  void* symbol = dlsym(library, name);
  memcpy(&function, &symbol, sizeof(symbol));
  return symbol != nullptr;
}

}  // namespace

Unwind load_unwinder() {
  void* const library = dlopen(spool::kUnwinder, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  Unwind unwind = nullptr;
  Accessors* (*get_accessors)(void*) = nullptr;
  int (*set_policy)(void*, int) = nullptr;
  void** space = nullptr;
  if (!look_up(library, "unw_backtrace", unwind) ||
      !look_up(library, "_Ux86_64_get_accessors", get_accessors) ||
      !look_up(library, "_ULx86_64_set_caching_policy", set_policy) ||
      !look_up(library, "_ULx86_64_local_addr_space", space)) {
    return nullptr;
  }
  // The first call makes the pipe. With other threads about, theirs might be taken for it.
  const NextPipe pipe;
  Accessors* const accessors = get_accessors(*space);
  if (__libc_single_threaded) pipe.close_if_made();
  accessors->access_mem = access_memory;
  // Caches of each thread's own: none waits for another, nor holds a lock while the loader's is
  // taken.
  constexpr int kCachePerThread = 2;
  set_policy(*space, kCachePerThread);
  return unwind;
}

}  // namespace replay::preload
