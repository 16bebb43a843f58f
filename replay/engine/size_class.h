// Classes of sizes for figures by size: powers of two, so that every allocator's own classes fall
// into few of them. Class 0 holds up to 8 bytes, class i up to 8 << i, the last one all above.
#pragma once

#include <bit>
#include <cstdint>

namespace replay {

inline constexpr unsigned kSizeClassCount = 28;
inline constexpr std::uint64_t kSmallestSizeClass = 8;

constexpr unsigned size_class_of(std::uint64_t size) {
  if (size <= kSmallestSizeClass) return 0;
  const unsigned i = static_cast<unsigned>(std::bit_width(size - 1)) -
                     static_cast<unsigned>(std::bit_width(kSmallestSizeClass - 1));
  return i < kSizeClassCount ? i : kSizeClassCount - 1;
}

// The largest size of a class; the last class has none.
constexpr std::uint64_t size_class_limit(unsigned i) { return kSmallestSizeClass << i; }

}  // namespace replay
