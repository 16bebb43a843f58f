// Whether a figure grows from turn to turn: Mann (1945) and Kendall's trend test by ranks, and
// Sen's slope (1968) with the interval that belongs to it.
//
// The first half of the turns is run-in and not tested: an allocator that has settled at a higher
// level than it began with does not grow. The rest must be kLeastTested turns at least; the normal
// limit serves, corrected for ties and continuity. Turns are taken as independent; where noise
// lasts longer than a turn the test errs to either side. Stateless; time and memory O(turns^2).
#pragma once

#include <cstddef>
#include <span>

#include "replay/report/statistics.h"

namespace replay {

enum class DriftVerdict { kGrows, kSteady, kCannotTell };

const char* drift_verdict_name(DriftVerdict verdict);

inline constexpr std::size_t kLeastTested = 10;
inline constexpr double kDriftLevel = 0.01;  // how seldom what does not grow is said to

struct Drift {
  DriftVerdict verdict = DriftVerdict::kCannotTell;
  std::size_t tested_turns = 0;  // the last ones
  double p_grows = 1;            // how probable so steady a growth is without any
  double growth = 0;             // over the tested turns, as a share of their median
  Interval growth_interval{0, 0};
};

// Grows: the test says so, and it is `tolerance` or more. Steady: even the interval's upper end is
// less than that. `tolerance` is a share.
Drift find_drift(std::span<const double> by_turn, double tolerance);

}  // namespace replay
