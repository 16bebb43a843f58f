// The registry's types: what is known of each registered allocator. The table itself, the only
// place that names them all, is core/allocators/registry.cc.
#pragma once

#include <cstddef>

#include "core/alloc/any_allocator.h"

namespace mem {

// How a replay reaches an allocator. Results of two bindings are never compared.
enum class Binding : unsigned char {
  kPreload,    // a worker process calls malloc, with `library` (or nothing) preloaded
  kInProcess,  // a worker process calls the instance through AnyAllocator
};

struct AllocatorEntry {
  const char* name;     // as given to --allocator
  const char* summary;  // one line for `list`
  Binding binding;      // the binding that a replay uses
  const char* library;  // kPreload: file name of the library, nullptr = preload nothing
  AnyAllocator (*instance)() noexcept;  // in-process face of the process-wide instance
};

struct AllocatorList {
  const AllocatorEntry* first;
  std::size_t count;
  const AllocatorEntry* begin() const noexcept { return first; }
  const AllocatorEntry* end() const noexcept { return first + count; }
};

// Every registered allocator, in the order in which `list` shows them. O(1).
AllocatorList registered_allocators() noexcept;

// The entry of that name, or nullptr. O(entries).
const AllocatorEntry* find_allocator(const char* name) noexcept;

}  // namespace mem
