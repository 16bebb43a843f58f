// Binary inputs for tests, written as the numbers that they are made of.
#pragma once

#include <cstdint>
#include <string>

namespace replay::test {

// Each value little-endian, in as many bytes as its type has.
template <typename... Values>
std::string bytes_of(Values... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof(values)), ...);
  return bytes;
}

}  // namespace replay::test
