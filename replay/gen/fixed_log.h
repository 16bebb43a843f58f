// log2 and 2^x in fixed point, by integers alone: the same bits on every machine, which the
// functions of libm do not promise. What generated traces are made of must never change.
//
// Errors stay below 2^-20 of log2 and below 2^-20 of 2^x, relatively (linear interpolation of 1025
// points). Thread-safe; O(1).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace replay::gen {

__extension__ using Wide = unsigned __int128;

namespace fixed_log {

inline constexpr int kTableBits = 10;
inline constexpr std::size_t kPoints = (std::size_t{1} << kTableBits) + 1;

// log2 of a number from 1 to 2 (in units of 2^-62), in units of 2^-32: one bit a squaring.
constexpr std::uint64_t log2_by_squaring(std::uint64_t mantissa) {
  std::uint64_t result = 0;
  for (int bit = 31; bit >= 0; --bit) {
    mantissa = static_cast<std::uint64_t>((Wide{mantissa} * mantissa) >> 62);
    if (mantissa >> 63 != 0) {
      mantissa >>= 1;
      result |= std::uint64_t{1} << bit;
    }
  }
  return result;
}

constexpr std::uint64_t square_root(Wide value) {
  std::uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const std::uint64_t larger = root | std::uint64_t{1} << bit;
    if (Wide{larger} * larger <= value) root = larger;
  }
  return root;
}

constexpr std::array<std::uint64_t, kPoints> make_log_table() {
  std::array<std::uint64_t, kPoints> table{};
  for (std::size_t i = 0; i + 1 < kPoints; ++i) {
    table[i] = log2_by_squaring((std::uint64_t{1} << 62) + (std::uint64_t{i} << (62 - kTableBits)));
  }
  table[kPoints - 1] = std::uint64_t{1} << 32;
  return table;
}

// 2^(i / 1024) in units of 2^-62.
constexpr std::array<std::uint64_t, kPoints> make_power_table() {
  std::array<std::uint64_t, kPoints> table{};
  table[0] = std::uint64_t{1} << 62;
  std::uint64_t root = std::uint64_t{1} << 63;  // 2
  for (std::size_t step = kPoints - 1; step > 1; step /= 2) {
    root = square_root(Wide{root} << 62);  // 2^(step / 2 / 1024)
    for (std::size_t i = 0; i + 1 < kPoints; i += step) {
      table[i + step / 2] = static_cast<std::uint64_t>((Wide{table[i]} * root) >> 62);
    }
  }
  table[kPoints - 1] = std::uint64_t{1} << 63;
  return table;
}

inline constexpr std::array<std::uint64_t, kPoints> kLogs = make_log_table();
inline constexpr std::array<std::uint64_t, kPoints> kPowers = make_power_table();

constexpr std::uint64_t between(std::uint64_t from, std::uint64_t to, std::uint64_t share_q32) {
  return from + static_cast<std::uint64_t>((Wide{to - from} * share_q32) >> 32);
}

}  // namespace fixed_log

// log2(value) in units of 2^-32. pre: value > 0.
constexpr std::uint64_t log2_q32(std::uint64_t value) {
  const auto whole = static_cast<std::uint64_t>(std::bit_width(value) - 1);
  const std::uint64_t fraction = value << (63 - whole) << 1;  // in units of 2^-64
  const std::uint64_t index = fraction >> (64 - fixed_log::kTableBits);
  const std::uint64_t share = fraction << fixed_log::kTableBits >> 32;
  const std::uint64_t step = fixed_log::kLogs[index + 1] - fixed_log::kLogs[index];  // below 2^23
  return (whole << 32) + fixed_log::kLogs[index] + (step * share >> 32);
}

// 2^(exponent / 2^32), rounded down. pre: exponent < 64 * 2^32.
constexpr std::uint64_t exp2_q32(std::uint64_t exponent) {
  const std::uint64_t whole = exponent >> 32;
  const std::uint64_t fraction = exponent & 0xffffffff;
  const std::uint64_t index = fraction >> (32 - fixed_log::kTableBits);
  const std::uint64_t share = (fraction << fixed_log::kTableBits) & 0xffffffff;
  const std::uint64_t mantissa =
      fixed_log::between(fixed_log::kPowers[index], fixed_log::kPowers[index + 1], share);
  return whole >= 62 ? mantissa << (whole - 62) : mantissa >> (62 - whole);
}

}  // namespace replay::gen
