// The calls of an allocator, each through a function of its own name, so that a tool that counts
// instructions by function (callgrind.h) can say what each kind of operation cost; and a function
// that encloses all that is counted.
//
// For the worker: no C++ library. Each call costs a few instructions more than without, the same
// for every allocator, so that they vanish with what the null allocator costs.
#pragma once

#include <cstddef>

#include "core/alloc/any_allocator.h"

namespace replay {

// Names in the program's symbol table; an operation's is the prefix and op_name().
inline constexpr const char* kCountedPart = "allocreplay_counted_part";
inline constexpr const char* kCountedCallPrefix = "allocreplay_counted_";

// body(context), within kCountedPart.
void run_counted(void (*body)(void*), void* context);

// An Allocator: `inner` by way of the named functions. calloc where `inner` has none is what a
// caller would write, as in hot_loop.h.
class CountedCalls {
 public:
  explicit CountedCalls(const mem::AnyAllocator& inner) : inner_(inner) {}

  void* allocate(std::size_t size, std::size_t align) noexcept;
  void deallocate(void* p) noexcept;
  void* allocate_zeroed(std::size_t size) noexcept;

 protected:
  mem::AnyAllocator inner_;
};

// For allocators that resize. Of the others the replay resizes by malloc and free, and so it is
// counted.
class CountedResizes : public CountedCalls {
 public:
  using CountedCalls::CountedCalls;
  void* reallocate(void* p, std::size_t size) noexcept;
};

}  // namespace replay
