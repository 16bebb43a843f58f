#include "replay/gen/picker.h"

namespace replay::gen {

Picker::Picker(const std::vector<std::uint64_t>& weights) {
  for (const std::uint64_t weight : weights) sum_ += weight;
  std::vector<std::size_t> poor;
  std::vector<std::size_t> rich;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    cells_.push_back({weights[i] * weights.size(), i});
    (cells_[i].own < sum_ ? poor : rich).push_back(i);
  }
  while (!poor.empty() && !rich.empty()) {
    const std::size_t taker = poor.back();
    poor.pop_back();
    const std::size_t giver = rich.back();
    cells_[taker].other = giver;
    cells_[giver].own -= sum_ - cells_[taker].own;
    if (cells_[giver].own >= sum_) continue;
    rich.pop_back();
    poor.push_back(giver);
  }
}

}  // namespace replay::gen
