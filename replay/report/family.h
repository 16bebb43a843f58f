// Many metrics at once: how often at least one of them would cry wolf.
//
// Holm's step-down (1979) bounds that chance for the whole family, whichever of the metrics really
// differ and however they hang together; a gate that fails on any "worse" needs just that, where a
// false discovery rate would let one in twenty alarms be false by design. Metrics whose values
// could not have given a small p whatever had happened (all differences 0, say) are not counted
// (Tarone 1990), for they cannot cry wolf. Stateless; O(n log n).
#pragma once

#include <span>
#include <vector>

namespace replay {

struct FamilyMember {
  double p = 1;
  double p_least = 1;  // the least that it could have been
};

// The members' p adjusted: at or below `alpha` means significant. Those left out get 1.
std::vector<double> adjust_family(std::span<const FamilyMember> members, double alpha);

}  // namespace replay
