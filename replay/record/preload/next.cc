#include "replay/record/preload/next.h"

#include <dlfcn.h>
#include <link.h>
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

bool is_runtime(const char* path) {
  const char* const slash = strrchr(path, '/');
  const char* const name = slash == nullptr ? path : slash + 1;
  return strcmp(name, "libstdc++.so.6") == 0 || strcmp(name, "libc++.so.1") == 0;
}

std::uint32_t gnu_hash(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != '\0'; ++name) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

// A module's DT_GNU_HASH: | buckets | first symbol | words of filter | shift | filter, of 64 bits |
// a first symbol for each bucket | a hash for each symbol, odd for the last of its bucket |
const ElfW(Sym) * find_symbol(const std::uint32_t* table, const ElfW(Sym) * symbols,
                              const char* strings, const char* name) {
  const std::uint32_t* const buckets = table + 4 + std::size_t{2} * table[2];
  const std::uint32_t* const hashes = buckets + table[0];
  const std::uint32_t wanted = gnu_hash(name);
  std::uint32_t at = buckets[wanted % table[0]];
  if (at < table[1]) return nullptr;
  for (;; ++at) {
    const std::uint32_t hash = hashes[at - table[1]];
    if ((hash | 1) == (wanted | 1) && symbols[at].st_shndx != SHN_UNDEF &&
        strcmp(strings + symbols[at].st_name, name) == 0) {
      return symbols + at;
    }
    if ((hash & 1) != 0) return nullptr;
  }
}

struct Search {
  const char* name;
  void* found;
};

int search_runtime(dl_phdr_info* module, std::size_t, void* data) {
  if (module->dlpi_name == nullptr || !is_runtime(module->dlpi_name)) return 0;
  const std::uint32_t* table = nullptr;
  const ElfW(Sym)* symbols = nullptr;
  const char* strings = nullptr;
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    if (module->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const ElfW(Addr) begin = module->dlpi_addr + module->dlpi_phdr[i].p_vaddr;
    for (auto* entry = reinterpret_cast<const ElfW(Dyn)*>(begin); entry->d_tag != DT_NULL;
         ++entry) {
      const ElfW(Addr) address = entry->d_un.d_ptr;  // the loader has made it one of memory
      if (entry->d_tag == DT_GNU_HASH) table = reinterpret_cast<const std::uint32_t*>(address);
      if (entry->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(address);
      if (entry->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(address);
    }
  }
  if (table == nullptr || symbols == nullptr || strings == nullptr) return 0;
  Search& search = *static_cast<Search*>(data);
  const ElfW(Sym)* const symbol = find_symbol(table, symbols, strings, search.name);
  if (symbol == nullptr) return 0;
  search.found = reinterpret_cast<void*>(module->dlpi_addr + symbol->st_value);
  return 1;
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

void* find_next(const char* mangled_name) { return dlsym(RTLD_NEXT, mangled_name); }

void* find_in_runtime(const char* mangled_name) {
  Search search{mangled_name, nullptr};
  dl_iterate_phdr(search_runtime, &search);
  return search.found;
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
