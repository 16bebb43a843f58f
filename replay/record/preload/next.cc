#include "replay/record/preload/next.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace replay::preload {

Next g_next;

namespace {

// dlsym asks for a few hundred bytes, if anything; 64 KiB leaves room for odd loaders.
constexpr std::size_t kArenaBytes = std::size_t{64} * 1024;
constexpr std::size_t kMinAlign = alignof(std::max_align_t);
alignas(4096) unsigned char g_arena[kArenaBytes];
std::atomic<std::size_t> g_arena_used{0};

template <class Function>
void look_up(Function& function, const char* name) {
  void* symbol = dlsym(RTLD_NEXT, name);
  memcpy(&function, &symbol, sizeof(symbol));
}

}  // namespace

void resolve_next() {
  look_up(g_next.malloc, "malloc");
  look_up(g_next.calloc, "calloc");
  look_up(g_next.realloc, "realloc");
  look_up(g_next.free, "free");
  look_up(g_next.posix_memalign, "posix_memalign");
  look_up(g_next.aligned_alloc, "aligned_alloc");
  look_up(g_next.memalign, "memalign");
  look_up(g_next.valloc, "valloc");
  look_up(g_next.pvalloc, "pvalloc");
  look_up(g_next.usable_size, "malloc_usable_size");
  look_up(g_next.dlclose, "dlclose");
  look_up(g_next.execve, "execve");
  look_up(g_next.execvpe, "execvpe");
  look_up(g_next.fexecve, "fexecve");
  look_up(g_next.execveat, "execveat");
  look_up(g_next.posix_spawn, "posix_spawn");
  look_up(g_next.posix_spawnp, "posix_spawnp");
  if (g_next.malloc == nullptr || g_next.calloc == nullptr || g_next.realloc == nullptr ||
      g_next.free == nullptr) {
    constexpr char kMessage[] = "liballocrecord: no allocator behind the library\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    abort();
  }
}

void* find_next(const char* mangled_name) {
  if (void* symbol = dlsym(RTLD_NEXT, mangled_name); symbol != nullptr) return symbol;
  for (const char* runtime : {"libstdc++.so.6", "libc++.so.1"}) {
    void* handle = dlopen(runtime, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    void* symbol = dlsym(handle, mangled_name);
    dlclose(handle);
    if (symbol != nullptr) return symbol;
  }
  return nullptr;
}

// A block is preceded by its size, so that realloc knows what to copy.
void* arena_allocate(std::size_t size, std::size_t align) {
  if (align < kMinAlign) align = kMinAlign;
  if (size > kArenaBytes || align > 4096) return nullptr;
  const std::size_t room = size + align + kMinAlign;
  const std::size_t start = g_arena_used.fetch_add(room, std::memory_order_relaxed);
  if (start + room > kArenaBytes) return nullptr;
  auto address = reinterpret_cast<std::uintptr_t>(g_arena + start + kMinAlign);
  address = (address + align - 1) & ~(align - 1);
  memcpy(reinterpret_cast<void*>(address - sizeof(size)), &size, sizeof(size));
  return reinterpret_cast<void*>(address);
}

bool arena_owns(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const auto arena = reinterpret_cast<std::uintptr_t>(g_arena);
  return address - arena < kArenaBytes;
}

std::size_t arena_size(const void* p) {
  std::size_t size = 0;
  memcpy(&size, static_cast<const unsigned char*>(p) - sizeof(size), sizeof(size));
  return size;
}

}  // namespace replay::preload
