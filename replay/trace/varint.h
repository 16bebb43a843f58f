// Unsigned LEB128, as traces/README.md defines it: writing one, and reading a column of many.
//
// The reader is made for speed: the lengths within a column are hard to predict, so values up to
// four bytes are decoded without a branch on their length, and eight one-byte values at once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "replay/trace/little_endian.h"

namespace replay {

inline constexpr std::size_t kMaxVarintBytes = 10;

// pre: room for kMaxVarintBytes at `to`. Returns the end of what was written.
inline unsigned char* put_varint(unsigned char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<unsigned char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<unsigned char>(value);
  return to;
}

// The same, but writes nothing that counts unless `take` is 1 (0 otherwise). Neither that nor the
// length, if it is at most four bytes, costs a branch: both are hard to predict within a column.
inline unsigned char* put_varint_if(std::uint64_t take, unsigned char* to, std::uint64_t value) {
  if (value >= std::uint64_t{1} << 28) return take != 0 ? put_varint(to, value) : to;
  const auto bits = static_cast<std::uint32_t>(value);
  const auto more = static_cast<unsigned>(std::bit_width(bits | 1) - 1) / 7;  // bytes after this
  const std::uint32_t spread =
      (bits & 0x7f) | (bits & 0x3f80) << 1 | (bits & 0x1fc000) << 2 | (bits & 0xfe00000) << 3;
  store_le<std::uint32_t>(to, spread | (0x808080U & ((1U << 8 * more) - 1)));
  return to + ((0 - take) & (more + 1));
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
