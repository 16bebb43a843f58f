// Memory for large tables that are looked up all over: in pages of 2 MiB where the kernel has them,
// because with those of 4 KiB most look-ups miss the processor's cache of addresses as well.
//
// An allocator for containers, without state. Thread-safe. Throws std::bad_alloc.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace replay {

template <class T>
struct HugePages {
  using value_type = T;

  HugePages() = default;
  template <class U>
  HugePages(const HugePages<U>&) {}  // NOLINT(google-explicit-constructor): an allocator's

  T* allocate(std::size_t count) {
    if (count > (static_cast<std::size_t>(-1) - kPage) / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
    const bool huge = bytes >= kLeast;
    void* const memory =
        huge ? std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage) : std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (huge) ::madvise(memory, bytes, MADV_HUGEPAGE);  // only speed depends on it
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) { std::free(memory); }

  friend bool operator==(const HugePages&, const HugePages&) { return true; }

 private:
  static constexpr std::size_t kPage = std::size_t{2} << 20;
  static constexpr std::size_t kLeast = 2 * kPage;  // below, the last page would be mostly waste
};

}  // namespace replay
