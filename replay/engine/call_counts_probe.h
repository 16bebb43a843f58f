// Probe of the hot loop (hot_loop.h) that attributes hardware counters to operations: a window
// around each call, of one counter drawn at random, for reading several at once would count the
// reading of the others. Some windows are followed by one around nothing, which says what reading
// counts of itself, under the same conditions.
//
// For the worker: no C++ library, no allocation. One object a thread.
#pragma once

#include <cstdint>

#include "replay/engine/call_counts.h"
#include "replay/engine/thread_counters.h"

namespace replay {

// Counters: as ThreadCounters.
template <class Counters = ThreadCounters<>>
class CallCountsProbe {
 public:
  // Threads with seeds of their own look at their calls by counters of their own.
  template <class... Arguments>
  CallCountsProbe(CallCounts& counts, std::uint64_t seed, Arguments&... arguments)
      : counts_(counts), counters_(arguments...), drawn_(seed) {}

  std::uint64_t start() {
    // Knuth's MMIX generator, whose high bits are good. Every run draws alike, so that two
    // allocators are looked at in the same calls.
    drawn_ = drawn_ * 6364136223846793005U + 1442695040888963407U;
    which_ = static_cast<unsigned>((drawn_ >> 32) * counters_.count() >> 32);
    return open();
  }

  void stop(Op op, std::uint64_t begin) {
    note(counts_.by_op[static_cast<int>(op)], begin);
    if (((drawn_ >> 24) & (kEmptyEvery - 1)) == 0) note(counts_.empty, open());
  }

 private:
  static constexpr std::uint64_t kEmptyEvery = 8;  // a power of two

  std::uint64_t open() { return counters_.count() == 0 ? 0 : counters_.begin(which_); }

  void note(CallCount* by_counter, std::uint64_t begin) {
    if (counters_.count() == 0) return;
    const std::uint64_t counted = counters_.end(which_, begin);
    CallCount& count = by_counter[static_cast<int>(counters_.counter(which_))];
    if (counted == kNotCounted) {
      ++count.missed;
    } else {
      ++count.windows;
      count.sum += counted;
    }
  }

  CallCounts& counts_;
  Counters counters_;
  std::uint64_t drawn_;
  unsigned which_ = 0;
};

}  // namespace replay
