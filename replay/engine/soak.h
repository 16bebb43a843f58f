// What a worker keeps of each turn when it replays the measured part of a closed plan over and
// over. Plain data.
#pragma once

#include <cstdint>

namespace replay {

struct SoakTurn {
  std::uint64_t anonymous_bytes;  // resident, of the process, at the turn's end
  std::uint64_t cpu_ns;           // that the process used in it, the sampling left out
};

}  // namespace replay
