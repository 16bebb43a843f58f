// Size classes: from a request's size to its bin.
//
//   bin 1 to 64     the size in 16-byte steps, for requests up to 1 KiB
//   bin 65 to 104   beyond that up to 32 KiB, 8 a doubling, so that sizes of one bin differ by at
//                   most an eighth
//
// A bin gets slabs only once it is asked for enough; those of a bin beyond 1 KiB hold objects of
// the largest size that it was asked for, rounded to 16 bytes. Everything else is fitted to 16
// bytes. So no request is rounded by more than 15 bytes for long. Pure functions, O(1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"

namespace mem {

inline constexpr std::size_t kStepBytes = 16;
inline constexpr std::size_t kMaxSmallBytes = 1024;
inline constexpr std::size_t kMaxMediumBytes = 32768;
inline constexpr unsigned kFirstMediumBin = kMaxSmallBytes / kStepBytes + 1;
inline constexpr unsigned kMediumBins = 40;
inline constexpr unsigned kBins = kFirstMediumBin + kMediumBins;

// pre: size <= kMaxSmallBytes. Bin 0 is for requests of nothing, and holds objects of bin 1.
constexpr std::size_t small_bin(std::size_t size) noexcept {
  return (size + kStepBytes - 1) / kStepBytes;
}

// pre: kMaxSmallBytes < size <= kMaxMediumBytes.
constexpr unsigned medium_bin(std::size_t size) noexcept {
  const unsigned log = floor_log2(size - 1);
  const auto eighths = static_cast<unsigned>((size - 1) >> (log - 3));  // 8 to 15
  return kFirstMediumBin + (log - 10) * 8 + (eighths - 8);
}

// The largest size that a bin serves, in bytes.
constexpr std::size_t bin_bytes(unsigned bin) noexcept {
  if (bin < kFirstMediumBin) return bin * kStepBytes;
  const unsigned log = 10 + (bin - kFirstMediumBin) / 8;
  return std::size_t{9 + (bin - kFirstMediumBin) % 8} << (log - 3);
}

static_assert([] {
  for (std::size_t size = kMaxSmallBytes + 1; size <= kMaxMediumBytes; size += 7) {
    const unsigned bin = medium_bin(size);
    if (bin < kFirstMediumBin || bin >= kBins || bin_bytes(bin) < size) return false;
    if ((bin_bytes(bin) - size) * 8 > size) return false;
    if (bin > kFirstMediumBin && bin_bytes(bin - 1) >= size) return false;
  }
  return true;
}());

}  // namespace mem
