// Places between two events where the worker may pause to take samples, and the choice of some that
// are evenly spaced in a stream of unknown length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace replay {

struct Checkpoint {
  std::uint64_t event = 0;       // events replayed so far
  std::uint64_t live_bytes = 0;  // requested bytes of the objects that are live here
  std::uint64_t live_objects = 0;
  std::vector<std::uint64_t> words = {};  // by lane: where its next event stands in its stream
};

// When there are too many, every other one goes and the distance doubles. Not thread-safe; offer()
// is O(1) on average, and O(lanes) for one that is taken.
class CheckpointList {
 public:
  void offer(const Checkpoint& here) {
    if (here.event < next_) return;
    list_.push_back(here);
    if (list_.size() >= kMost) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < list_.size(); i += 2) {
        if (kept != i) list_[kept] = std::move(list_[i]);
        ++kept;
      }
      list_.resize(kept);
      stride_ *= 2;
    }
    next_ = list_.back().event + stride_;
  }
  std::vector<Checkpoint> take() { return std::move(list_); }

 private:
  // Samples cost a system call and a walk over the page tables; a few hundred draw a smooth curve.
  static constexpr std::size_t kMost = 512;

  std::vector<Checkpoint> list_;
  std::uint64_t stride_ = 1;
  std::uint64_t next_ = 0;
};

}  // namespace replay
