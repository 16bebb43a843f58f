// AnyAllocator: a non-owning, 16-byte face of any Allocator; a pointer to the object and one to a
// constant table of functions. A null entry in the table is a missing capability.
//
// Cost of a call: one load of the table entry and one indirect jump. Thread-safety is that of the
// allocator behind it.
#pragma once

#include <cstddef>

#include "core/alloc/allocator.h"

namespace mem {

struct AllocatorTable {
  void* (*allocate)(void* self, std::size_t size, std::size_t align) noexcept;
  void (*deallocate)(void* self, void* p) noexcept;
  void* (*allocate_zeroed)(void* self, std::size_t size) noexcept;
  void* (*reallocate)(void* self, void* p, std::size_t size) noexcept;
  std::size_t (*usable_size)(void* self, const void* p) noexcept;
  std::size_t (*purge)(void* self) noexcept;
  int (*check)(void* self) noexcept;
  HeapStats (*stats)(const void* self) noexcept;
  bool backed;  // results may be dereferenced
};

namespace detail {

template <Allocator A>
constexpr AllocatorTable make_allocator_table() {
  AllocatorTable table{};
  table.allocate = [](void* self, std::size_t size, std::size_t align) noexcept {
    return static_cast<A*>(self)->allocate(size, align);
  };
  table.deallocate = [](void* self, void* p) noexcept { static_cast<A*>(self)->deallocate(p); };
  if constexpr (ZeroingAllocator<A>) {
    table.allocate_zeroed = [](void* self, std::size_t size) noexcept {
      return static_cast<A*>(self)->allocate_zeroed(size);
    };
  }
  if constexpr (ReallocatingAllocator<A>) {
    table.reallocate = [](void* self, void* p, std::size_t size) noexcept {
      return static_cast<A*>(self)->reallocate(p, size);
    };
  }
  if constexpr (SizedAllocator<A>) {
    table.usable_size = [](void* self, const void* p) noexcept {
      return static_cast<A*>(self)->usable_size(p);
    };
  }
  if constexpr (PurgingAllocator<A>) {
    table.purge = [](void* self) noexcept { return static_cast<A*>(self)->purge(); };
  }
  if constexpr (CheckedAllocator<A>) {
    table.check = [](void* self) noexcept { return static_cast<A*>(self)->check(); };
  }
  if constexpr (CountingAllocator<A>) {
    table.stats = [](const void* self) noexcept { return static_cast<const A*>(self)->stats(); };
  }
  table.backed = kIsBacked<A>;
  return table;
}

template <Allocator A>
inline constexpr AllocatorTable kAllocatorTable = make_allocator_table<A>();

}  // namespace detail

class AnyAllocator {
 public:
  // pre: `allocator` outlives every copy of this face.
  template <Allocator A>
  explicit constexpr AnyAllocator(A& allocator) noexcept
      : table_(&detail::kAllocatorTable<A>), self_(&allocator) {}

  void* allocate(std::size_t size, std::size_t align) const noexcept {
    return table_->allocate(self_, size, align);
  }
  void deallocate(void* p) const noexcept { table_->deallocate(self_, p); }

  const AllocatorTable& table() const noexcept { return *table_; }
  void* self() const noexcept { return self_; }

 private:
  const AllocatorTable* table_;
  void* self_;
};

static_assert(sizeof(AnyAllocator) == 16);

}  // namespace mem
