// Offline dynamic storage allocation: an address for each life so that no two that overlap in time
// share a granule, and the highest address and the pages in use stay low. Finding the best is
// NP-complete; the load (most granules live at once) is a bound for all, and for lives that are
// small beside it the best comes close to it (Buchsbaum, Karloff, Kenyon, Reingold and Thorup, OPT
// versus LOAD in dynamic storage allocation, STOC 2003).
//
// The heuristic works from the peak outwards. The lives of the moment of most load are laid side by
// side without a gap; from there time goes forwards, and then from the same moment backwards,
// with each life that comes put into the best fitting gap. So the moment that decides has no waste,
// and away from it there is mostly more room. Those of the peak that are gone first had better lie
// at the top; who that is, differs between the two directions, so several orders are tried, with
// either way of taking a part of a gap (strip.h), and the best packing is taken.
//
// O(n log n) for n lives and each tactic; 8 bytes a life beside the lives. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "replay/floor/lives.h"
#include "replay/floor/strip.h"

namespace replay {

// How the lives of the peak are laid, from the bottom up.
enum class PeakOrder {
  kBirth,     // first born first
  kDeath,     // last to die first
  kLifetime,  // longest life first
};

struct Tactic {
  PeakOrder order = PeakOrder::kBirth;
  GapEnds ends = GapEnds::kLow;
};
inline constexpr Tactic kTactics[] = {
    {PeakOrder::kBirth, GapEnds::kLow},    {PeakOrder::kDeath, GapEnds::kLow},
    {PeakOrder::kLifetime, GapEnds::kLow}, {PeakOrder::kBirth, GapEnds::kBoth},
    {PeakOrder::kDeath, GapEnds::kBoth},   {PeakOrder::kLifetime, GapEnds::kBoth}};
// "death", or "death, both ends".
std::string tactic_name(Tactic tactic);

// The address of each life, in granules.
using Addresses = std::vector<std::uint64_t>;
Addresses pack(const Lives& lives, Tactic tactic);

struct PackingSize {
  std::uint64_t height = 0;  // granules from 0 to the end of the highest
  std::uint64_t pages = 0;   // the most that hold a byte of any life at the same time
};

// Goes through all lives in order of time and knows nothing of how they were packed. Throws Error
// if two overlap or one is not aligned.
PackingSize measure_packing(const Lives& lives, std::span<const std::uint64_t> addresses,
                            std::uint64_t page_granules);

struct BestPacking {
  PackingSize size;
  Tactic tactic;
};

// Of the fewest pages, and then of the least height. Stops at one that cannot be bettered. Calls
// `before_each` with the number of each tactic, from 0.
BestPacking best_packing(const Lives& lives, std::uint64_t page_granules,
                         const std::function<void(int)>& before_each);

}  // namespace replay
