// Random numbers that are the same everywhere and for ever: xoshiro256** (Blackman and Vigna,
// 2018), seeded by splitmix64, and distributions in integers. Those of the standard library are not
// the same in all of its implementations.
//
// Not thread-safe. Every draw is O(1).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "replay/gen/fixed_log.h"

namespace replay::gen {

inline constexpr std::uint64_t kWhole = 1'000'000;  // a share of 1, in parts per million

// What log_uniform draws from, worked out once. pre: 0 < least <= greatest < 2^63.
struct LogRange {
  constexpr LogRange(std::uint64_t least_in, std::uint64_t greatest_in)
      : least(least_in),
        greatest(greatest_in),
        from_q32(log2_q32(least)),
        span_q32(log2_q32(greatest + 1) - from_q32) {}

  std::uint64_t least;
  std::uint64_t greatest;
  std::uint64_t from_q32;  // of the exponent of 2
  std::uint64_t span_q32;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // 0 to limit - 1, each as likely (Lemire, 2019). pre: limit > 0.
  std::uint64_t below(std::uint64_t limit) {
    Wide product = Wide{next()} * limit;
    if (static_cast<std::uint64_t>(product) < limit) {
      const std::uint64_t uneven = (0 - limit) % limit;
      while (static_cast<std::uint64_t>(product) < uneven) product = Wide{next()} * limit;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  // least to greatest, both included. pre: least <= greatest < 2^64 - 1.
  std::uint64_t between(std::uint64_t least, std::uint64_t greatest) {
    return least + below(greatest - least + 1);
  }

  // True with this probability, in parts per million. Draws nothing if the answer is certain.
  bool chance(std::uint64_t share) {
    return share != 0 && (share >= kWhole || below(kWhole) < share);
  }

  // 1 and more, with an exponential tail and a mean of about `mean`. pre: 0 < mean < 2^57.
  std::uint64_t exponential(std::uint64_t mean) {
    constexpr std::uint64_t kLn2Q32 = 2977044472;
    const std::uint64_t bits_q32 = (std::uint64_t{64} << 32) - log2_q32(next() | 1);
    const auto nats_q32 = static_cast<std::uint64_t>((Wide{bits_q32} * kLn2Q32) >> 32);
    return 1 + static_cast<std::uint64_t>((Wide{nats_q32} * mean) >> 32);
  }

  // least to greatest, each doubling as likely as the next.
  std::uint64_t log_uniform(const LogRange& range) {
    const auto exponent =
        range.from_q32 + static_cast<std::uint64_t>((Wide{next()} * range.span_q32) >> 64);
    return std::clamp(exp2_q32(exponent), range.least, range.greatest);
  }
  std::uint64_t log_uniform(std::uint64_t least, std::uint64_t greatest) {
    return log_uniform(LogRange(least, greatest));
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace replay::gen
