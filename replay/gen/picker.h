// Draws an index with a probability in proportion to its weight: Walker's alias method (Vose, 1991)
// in integers, so exact and the same everywhere.
//
// Building is O(n), a draw O(1); thread-safe once built.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/gen/random.h"

namespace replay::gen {

class Picker {
 public:
  // pre: not empty, a sum greater than 0, and sum * size < 2^64.
  explicit Picker(const std::vector<std::uint64_t>& weights);

  std::size_t pick(Random& random) const {
    const Cell& cell = cells_[static_cast<std::size_t>(random.below(cells_.size()))];
    return random.below(sum_) < cell.own ? static_cast<std::size_t>(&cell - cells_.data())
                                         : cell.other;
  }

 private:
  struct Cell {
    std::uint64_t own;  // of sum_
    std::size_t other;
  };
  std::uint64_t sum_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace replay::gen
