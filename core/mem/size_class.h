// Size classes: constant tables from a request's size to its bin.
//
//   step   size in 16-byte units, 1 to 64, for requests up to 1 KiB
//   bin    1 to 64 for those: a bin is named by the largest step that it serves, so every step of
//          its own at first up to 256 bytes, then 8 bins a doubling; a step that turns out to be
//          asked for often is given the bin of its own number by its thread heap
//   bin    65 to 104 beyond 1 KiB up to 32 KiB, 8 a doubling
//
// Rounding loses at most an eighth of what is beyond 128 bytes. Pure functions, O(1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"

namespace mem {

inline constexpr std::size_t kStepBytes = 16;
inline constexpr std::size_t kMaxSmallBytes = 1024;
inline constexpr std::size_t kMaxMediumBytes = 32768;
inline constexpr unsigned kSteps = kMaxSmallBytes / kStepBytes + 1;
inline constexpr unsigned kFirstMediumBin = kSteps;
inline constexpr unsigned kMediumBins = 40;
inline constexpr unsigned kBins = kFirstMediumBin + kMediumBins;

// pre: size <= kMaxSmallBytes. Step 0 is a request for nothing.
constexpr std::size_t step_of(std::size_t size) noexcept {
  return (size + kStepBytes - 1) / kStepBytes;
}

// The bin that serves a step before any step has one of its own.
constexpr std::uint8_t shared_bin(std::size_t step) noexcept {
  if (step == 0) return 1;
  const std::size_t spacing = step <= 16 ? 1 : step <= 32 ? 2 : 4;
  return static_cast<std::uint8_t>((step + spacing - 1) / spacing * spacing);
}

inline constexpr auto kSharedBins = [] {
  std::array<std::uint8_t, kSteps> bins{};
  for (std::size_t step = 0; step < kSteps; ++step) bins[step] = shared_bin(step);
  return bins;
}();

// pre: kMaxSmallBytes < size <= kMaxMediumBytes.
constexpr unsigned medium_bin(std::size_t size) noexcept {
  const unsigned log = floor_log2(size - 1);
  const auto eighth = static_cast<unsigned>((size - 1) >> (log - 3)) & 7;
  return kFirstMediumBin + (log - 10) * 8 + eighth;
}

// The largest size that a bin serves, in bytes.
constexpr std::size_t bin_bytes(unsigned bin) noexcept {
  if (bin < kFirstMediumBin) return bin * kStepBytes;
  const unsigned log = 10 + (bin - kFirstMediumBin) / 8;
  return std::size_t{9 + (bin - kFirstMediumBin) % 8} << (log - 3);
}

static_assert([] {
  for (std::size_t size = 1; size <= kMaxMediumBytes; ++size) {
    const bool is_small = size <= kMaxSmallBytes;
    const unsigned bin = is_small ? shared_bin(step_of(size)) : medium_bin(size);
    const std::size_t waste = bin_bytes(bin) - size;
    if (bin >= kBins || bin_bytes(bin) < size) return false;
    if (size > 128 && waste * 8 > size + 8 * (kStepBytes - 1)) return false;
    if (!is_small && size > bin_bytes(kFirstMediumBin) && bin_bytes(bin - 1) >= size) return false;
    size += is_small ? 0 : 6;  // every size would be beyond what compilers evaluate
  }
  return true;
}());

}  // namespace mem
