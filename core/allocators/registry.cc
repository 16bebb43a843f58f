// The table of all allocators; a new one is one row here.
#include "core/alloc/registry.h"

#include <string.h>

#include "core/allocators/bump_allocator.h"
#include "core/allocators/named_heaps.h"
#include "core/allocators/null_allocator.h"
#include "core/allocators/system_allocator.h"

namespace mem {
namespace {

constinit BumpAllocator bump_instance;
constinit NullAllocator null_instance;
constinit SystemAllocator system_instance;

template <auto& kInstance>
AnyAllocator face() noexcept {
  return AnyAllocator(kInstance);
}

constexpr AllocatorEntry kEntries[] = {
    {"mem", "this project's allocator: thread heaps over slabs over first-fit runs",
     Binding::kPreload, "libmem.so", face<default_heap>},
    {"mem-classic", "the plain seed: one LIFO free list, first fit, boundary tags",
     Binding::kInProcess, nullptr, face<classic_heap>},
    {"glibc", "the C library's malloc, with nothing preloaded", Binding::kPreload, nullptr,
     face<system_instance>},
    {"null", "does nothing: the cost of the harness itself", Binding::kInProcess, nullptr,
     face<null_instance>},
    {"bump", "consecutive addresses, never frees", Binding::kInProcess, nullptr,
     face<bump_instance>},
};

}  // namespace

AllocatorList registered_allocators() noexcept {
  return {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};
}

const AllocatorEntry* find_allocator(const char* name) noexcept {
  for (const AllocatorEntry& entry : kEntries) {
    if (strcmp(entry.name, name) == 0) return &entry;
  }
  return nullptr;
}

}  // namespace mem
