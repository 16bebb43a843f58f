// What hardware counters counted in the calls of each kind of operation. Plain data in the run
// file, one a lane; a lane's own thread fills it.
#pragma once

#include <cstdint>

#include "replay/engine/perf_counters.h"
#include "replay/trace/event.h"

namespace replay {

// Windows of one counter around calls of one kind.
struct CallCount {
  std::uint64_t windows;  // in which the counter ran from beginning to end
  std::uint64_t sum;      // what it counted in these, the reading itself included
  std::uint64_t missed;   // windows that it was not on the hardware throughout

  double mean() const {
    return windows == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(windows);
  }
  void add(const CallCount& other) {
    windows += other.windows;
    sum += other.sum;
    missed += other.missed;
  }
};

struct CallCounts {
  CallCount by_op[kOpCount][kCounterCount];
  CallCount empty[kCounterCount];  // around nothing: what reading counts of itself

  void add(const CallCounts& other) {
    for (int counter = 0; counter < kCounterCount; ++counter) {
      for (int op = 0; op < kOpCount; ++op) by_op[op][counter].add(other.by_op[op][counter]);
      empty[counter].add(other.empty[counter]);
    }
  }
};

}  // namespace replay
