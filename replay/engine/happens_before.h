// What each lane of a plan knows to have happened: how far every other lane has come, by its own
// waits and by what those it waited for had waited for. So a compiler of plans leaves out waits
// that other waits imply.
//
// Vector clocks (Fidge, Mattern 1988) over the words of the lanes' streams. Of each lane the clocks
// at its latest waits are kept, in about 32 MiB together; what an older one would have implied is
// not known, which costs a needless wait and is never wrong. Costs: knows() O(1), learn() O(lanes).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace replay {

class HappensBefore {
 public:
  explicit HappensBefore(std::uint32_t lane_count)
      : now_(lane_count, Clock(lane_count)),
        past_(lane_count),
        kept_(std::clamp<std::size_t>(kKeptEntries / (std::size_t{lane_count} * lane_count), 1,
                                      kMostKept)) {}

  // True if all that stands before word `reached` of lane `other` is known in `lane` to be done.
  bool knows(std::uint32_t lane, std::uint32_t other, std::uint64_t reached) const {
    return lane == other || now_[lane][other] >= reached;
  }

  // `lane`, at word `at` of its stream, waits until `other` has done all before word `reached`.
  // What stands at `at` and behind knows it from now on.
  void learn(std::uint32_t lane, std::uint64_t at, std::uint32_t other, std::uint64_t reached) {
    Clock& clock = now_[lane];
    const std::deque<Past>& past = past_[other];
    const auto after = std::partition_point(
        past.begin(), past.end(), [reached](const Past& moment) { return moment.at < reached; });
    if (after != past.begin()) {
      const Clock& implied = std::prev(after)->clock;
      for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], implied[i]);
    }
    clock[other] = std::max(clock[other], reached);
    if (past_[lane].size() == kept_) past_[lane].pop_front();
    past_[lane].push_back({at, clock});
  }

 private:
  using Clock = std::vector<std::uint64_t>;  // by lane: words known to be done
  struct Past {
    std::uint64_t at;  // the clock holds for what ends behind this word
    Clock clock;
  };

  static constexpr std::size_t kKeptEntries = std::size_t{1} << 22;
  static constexpr std::size_t kMostKept = 64;

  std::vector<Clock> now_;
  std::vector<std::deque<Past>> past_;
  std::size_t kept_;
};

}  // namespace replay
