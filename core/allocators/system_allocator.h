// The process's own malloc as an Allocator: glibc's, or whatever is preloaded. Every call is one
// call of the C function of that name. Thread-safety and cost are those of that malloc.
#pragma once

#include <malloc.h>
#include <stdlib.h>

#include <cstddef>

#include "core/alloc/allocator.h"

namespace mem {

class SystemAllocator {
 public:
  void* allocate(std::size_t size, std::size_t align) noexcept {
    if (align <= kDefaultAlign) return malloc(size);
    void* p = nullptr;
    return posix_memalign(&p, align, size) == 0 ? p : nullptr;
  }
  void deallocate(void* p) noexcept { free(p); }
  void* allocate_zeroed(std::size_t size) noexcept { return calloc(1, size); }
  void* reallocate(void* p, std::size_t size) noexcept { return realloc(p, size); }
  std::size_t usable_size(const void* p) noexcept {
    return malloc_usable_size(const_cast<void*>(p));
  }
};

}  // namespace mem
