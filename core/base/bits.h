// Arithmetic on sizes and addresses: alignment, powers of two, overflow-checked sums and products,
// ranges of bits.
//
// Pure constexpr functions, O(1) but for for_each_word, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mem {

// The page size that this project supports: x86-64 and arm64 with 4 KiB pages.
inline constexpr std::size_t kPageBytes = 4096;

// Not by std::has_single_bit, which calls a function where the processor need not count bits.
constexpr bool is_pow2(std::size_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

// pre: align is a power of two; align_up: value + align - 1 does not overflow.
constexpr std::uintptr_t align_up(std::uintptr_t value, std::size_t align) noexcept {
  return (value + align - 1) & ~(align - 1);
}
constexpr std::uintptr_t align_down(std::uintptr_t value, std::size_t align) noexcept {
  return value & ~(align - 1);
}
constexpr bool is_aligned(std::uintptr_t value, std::size_t align) noexcept {
  return (value & (align - 1)) == 0;
}

// True if the result fits; then *result is it, otherwise *result is not to be used.
constexpr bool checked_add(std::size_t a, std::size_t b, std::size_t* result) noexcept {
  return !__builtin_add_overflow(a, b, result);
}
constexpr bool checked_mul(std::size_t a, std::size_t b, std::size_t* result) noexcept {
  return !__builtin_mul_overflow(a, b, result);
}

// Index of the highest set bit. pre: n > 0. Written so that it is one instruction.
constexpr unsigned floor_log2(std::size_t n) noexcept {
  return 63U ^ static_cast<unsigned>(__builtin_clzll(n));
}

// visit(word, mask) for each 64-bit word of a bitmap that has some of the bits [first, first +
// count), with a mask of those; until it answers false. Answers whether it never did. O(count /
// 64).
template <class Visit>
constexpr bool for_each_word(std::size_t first, std::size_t count, Visit visit) noexcept {
  for (const std::size_t end = first + count; first < end;) {
    const std::size_t from = first % 64;
    const std::size_t bits = end - first < 64 - from ? end - first : 64 - from;
    if (!visit(first / 64, ~std::uint64_t{0} >> (64 - bits) << from)) return false;
    first += bits;
  }
  return true;
}

}  // namespace mem
