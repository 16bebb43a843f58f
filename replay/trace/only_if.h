// A choice without a branch, for loops over events, whose operations are hard to predict.
#pragma once

#include <cstdint>

namespace replay {

// value, or 0. pre: take is 1 or 0.
constexpr std::uint64_t only_if(std::uint64_t take, std::uint64_t value) {
  return (0 - take) & value;
}

}  // namespace replay
