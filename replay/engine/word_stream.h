// A stream of plan words that is being made: grows without moving what it holds, and goes to a
// memory file piece by piece, so that making a plan needs hardly more memory than the plan. Words
// are numbered from the first one on, whether they are still here or not.
//
// Not thread-safe. put() and operator[] are O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "replay/engine/plan_layout.h"

namespace replay {

class WordStream {
 public:
  void put(PlanWord word) {
    if (held() == chunks_.size() * kChunkWords) {
      chunks_.push_back(std::make_unique_for_overwrite<PlanWord[]>(kChunkWords));
    }
    (*this)[end_++] = word;
  }

  // Those that are here: [begin(), end()).
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }
  std::uint64_t held() const { return end_ - begin_; }

  // pre: word i is here.
  PlanWord& operator[](std::uint64_t i) {
    return chunks_[(i - begin_) / kChunkWords][(i - begin_) % kChunkWords];
  }

  // Passes all that are here to write(const PlanWord*, std::size_t count) in order and forgets
  // them.
  template <class Write>
  void drain(Write write) {
    std::uint64_t left = held();
    for (std::unique_ptr<PlanWord[]>& chunk : chunks_) {
      const auto count = static_cast<std::size_t>(left < kChunkWords ? left : kChunkWords);
      write(chunk.get(), count);
      left -= count;
      chunk.reset();
    }
    chunks_.clear();
    begin_ = end_;
  }

 private:
  static constexpr std::size_t kChunkWords = std::size_t{1} << 14;

  std::vector<std::unique_ptr<PlanWord[]>> chunks_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace replay
