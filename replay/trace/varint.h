// Unsigned LEB128, as traces/README.md defines it: writing one, and reading a column of many.
//
// Made for speed: the lengths within a column are hard to predict, so values up to four bytes are
// written and read without a branch on their length, and eight one-byte values are read at once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "replay/trace/little_endian.h"

namespace replay {

inline constexpr std::size_t kMaxVarintBytes = 10;

// pre: room for kMaxVarintBytes at `to`, where more than the value may be stored. Returns the end
// of the value.
inline unsigned char* put_varint(unsigned char* to, std::uint64_t value) {
  if (value < std::uint64_t{1} << 28) [[likely]] {
    const auto bits = static_cast<std::uint32_t>(value);
    const unsigned more = (bits >= 1U << 7) + (bits >= 1U << 14) + (bits >= 1U << 21);
    const std::uint32_t spread =
        (bits & 0x7f) | (bits << 1 & 0x7f00) | (bits << 2 & 0x7f0000) | (bits << 3 & 0x7f000000);
    store_le<std::uint32_t>(to, spread | (0x808080U & ((1U << 8 * more) - 1)));
    return to + more + 1;
  }
  while (value >= 0x80) {
    *to++ = static_cast<unsigned char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<unsigned char>(value);
  return to;
}

// Returns the end of the value, or nullptr if it is cut short, too long or does not fit 64 bits.
inline const unsigned char* get_varint(const unsigned char* from, const unsigned char* end,
                                       std::uint64_t* value) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; from != end && shift < 70; shift += 7) {
    const std::uint64_t bits = *from & 0x7f;
    if (shift == 63 && bits > 1) return nullptr;
    result |= bits << shift;
    if ((*from++ & 0x80) == 0) {
      *value = result;
      return from;
    }
  }
  return nullptr;
}

// Reads `count` values; returns their end, or nullptr as get_varint does.
inline const unsigned char* get_varints(const unsigned char* from, const unsigned char* end,
                                        std::size_t count, std::uint64_t* values) {
  std::uint64_t* const values_end = values + count;
  while (values != values_end) {
    if (end - from < 8) {
      from = get_varint(from, end, values++);
      if (from == nullptr) return nullptr;
      continue;
    }
    const std::uint64_t word = load_le<std::uint64_t>(from);
    if ((word & 0x8080808080808080) == 0 && values_end - values >= 8) {
      for (unsigned i = 0; i < 8; ++i) values[i] = (word >> (8 * i)) & 0xff;
      values += 8;
      from += 8;
      continue;
    }
    const std::uint32_t last = ~static_cast<std::uint32_t>(word) & 0x80808080;
    if (last == 0) {
      from = get_varint(from, end, values++);
      if (from == nullptr) return nullptr;
      continue;
    }
    const std::uint32_t bits = static_cast<std::uint32_t>(word) & (last ^ (last - 1));
    *values++ = (bits & 0x7f) | ((bits >> 1) & 0x3f80) | ((bits >> 2) & 0x1fc000) |
                ((bits >> 3) & 0xfe00000);
    from += (std::countr_zero(last) + 1) / 8;
  }
  return from;
}

}  // namespace replay
