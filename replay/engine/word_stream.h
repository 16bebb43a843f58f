// A stream of plan words that is being made: grows without moving what it holds, and goes to a
// memory file piece by piece, so that making a plan needs hardly more memory than the plan.
//
// Not thread-safe. put() and operator[] are O(1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "replay/engine/plan_layout.h"

namespace replay {

class WordStream {
 public:
  void put(PlanWord word) {
    if (size_ == chunks_.size() * kChunkWords) {
      chunks_.push_back(std::make_unique_for_overwrite<PlanWord[]>(kChunkWords));
    }
    (*this)[size_++] = word;
  }

  PlanWord& operator[](std::uint64_t i) { return chunks_[i / kChunkWords][i % kChunkWords]; }
  std::uint64_t size() const { return size_; }

  // Passes all words to write(const PlanWord*, std::size_t count) in order and forgets them.
  template <class Write>
  void drain(Write write) {
    std::uint64_t left = std::exchange(size_, 0);
    for (std::unique_ptr<PlanWord[]>& chunk : chunks_) {
      const auto count = static_cast<std::size_t>(left < kChunkWords ? left : kChunkWords);
      write(chunk.get(), count);
      left -= count;
      chunk.reset();
    }
    chunks_.clear();
  }

 private:
  static constexpr std::size_t kChunkWords = std::size_t{1} << 14;

  std::vector<std::unique_ptr<PlanWord[]>> chunks_;
  std::uint64_t size_ = 0;
};

}  // namespace replay
