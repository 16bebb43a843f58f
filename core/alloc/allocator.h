// What an allocator is: one small concept, and one optional concept per further capability.
//
// A missing method is a missing capability, never a method that always fails; callers ask with
// the concepts below (or with AnyAllocator's tests for nullptr) and bring their own substitute.
// This header knows nothing of any particular allocator. Thread-safety is each allocator's own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace mem {

// Alignment that plain malloc promises; `align` arguments of 0 stand for it.
inline constexpr std::size_t kDefaultAlign = alignof(std::max_align_t);

// Real-time counters of a heap. Bytes are what callers asked for, not what rounding made of it.
struct HeapStats {
  std::uint64_t total_allocated_bytes = 0;  // requested bytes in live blocks
  std::uint64_t total_pages = 0;            // pages held from the kernel now
  std::uint64_t page_size_bytes = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t free_blocks = 0;
};

// clang-format 14 breaks compound requirements apart.
// clang-format off

// allocate: pre: align is 0 or a power of two. post: nullptr means out of memory; otherwise at
// least `size` bytes (a unique block even for 0), aligned to max(align, the allocator's own).
// deallocate: pre: p is nullptr or live. post: p is dead.
template <class A>
concept Allocator = requires(A a, std::size_t size, std::size_t align, void* p) {
  { a.allocate(size, align) } noexcept -> std::same_as<void*>;
  { a.deallocate(p) } noexcept -> std::same_as<void>;
};

// allocate_zeroed: as allocate with the default alignment, every byte zero.
template <class A>
concept ZeroingAllocator = Allocator<A> && requires(A a, std::size_t size) {
  { a.allocate_zeroed(size) } noexcept -> std::same_as<void*>;
};

// reallocate: pre: p is live, size > 0. post: nullptr leaves p live and unchanged; otherwise the
// result is live with min(old, new) bytes kept, and p is dead unless it is the result.
template <class A>
concept ReallocatingAllocator = Allocator<A> && requires(A a, void* p, std::size_t size) {
  { a.reallocate(p, size) } noexcept -> std::same_as<void*>;
};

// usable_size: pre: p is live. post: bytes that the caller may use, at least what was asked for.
template <class A>
concept SizedAllocator = Allocator<A> && requires(A a, const void* p) {
  { a.usable_size(p) } noexcept -> std::same_as<std::size_t>;
};

// purge: gives back to the kernel what can be given back now; returns the bytes given.
template <class A>
concept PurgingAllocator = Allocator<A> && requires(A a) {
  { a.purge() } noexcept -> std::same_as<std::size_t>;
};

// check: walks every structure and asserts each numbered invariant. Returns 0 if all hold, else
// the number of the first invariant that does not. O(blocks).
template <class A>
concept CheckedAllocator = Allocator<A> && requires(A a) {
  { a.check() } noexcept -> std::same_as<int>;
};

template <class A>
concept CountingAllocator = Allocator<A> && requires(const A a) {
  { a.stats() } noexcept -> std::same_as<HeapStats>;
};

// clang-format on

// An allocator whose results must not be dereferenced says `static constexpr bool kBacked = false`.
template <class A>
inline constexpr bool kIsBacked = [] {
  if constexpr (requires { A::kBacked; }) {
    return static_cast<bool>(A::kBacked);
  } else {
    return true;
  }
}();

}  // namespace mem
