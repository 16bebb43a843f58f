// What a worker does after the last event when it is asked to idle: nothing but look at its memory
// at stated times, having called malloc_trim first if that is asked for. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>

namespace replay {

inline constexpr std::size_t kMostIdleTimes = 16;

struct Idle {
  // request
  std::uint32_t count = 0;
  std::uint32_t after_ms[kMostIdleTimes] = {};  // ascending, from the last event on
  // results
  bool trimmed = false;  // kTrimmed: there was something to call
  std::uint64_t anonymous_bytes[kMostIdleTimes] = {};
};

}  // namespace replay
