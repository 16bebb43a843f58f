// The null allocator: does nothing, so that a replay against it measures the harness alone. Its one
// address must not be dereferenced. Safe from any thread, O(1).
#pragma once

#include <cstddef>

namespace mem {

class NullAllocator {
 public:
  static constexpr bool kBacked = false;

  void* allocate(std::size_t /*size*/, std::size_t /*align*/) noexcept { return place_; }
  void deallocate(void* /*p*/) noexcept {}
  void* reallocate(void* p, std::size_t /*size*/) noexcept { return p; }

 private:
  alignas(64) unsigned char place_[64] = {};
};

}  // namespace mem
