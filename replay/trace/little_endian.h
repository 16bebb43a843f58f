// Integers in the byte order of trace files. Unaligned access is fine; the caller checks bounds.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

namespace replay {

static_assert(std::endian::native == std::endian::little, "add byte swaps to run here");

template <typename T>
T load_le(const void* from) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename T>
void store_le(void* to, std::type_identity_t<T> value) {
  static_assert(std::is_unsigned_v<T>);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace replay
