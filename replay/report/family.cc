#include "replay/report/family.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace replay {
namespace {

// The members that could be significant in a family of their own number.
std::vector<std::size_t> testable(std::span<const FamilyMember> members, double alpha) {
  std::vector<std::size_t> found;
  for (std::size_t size = 1; size <= members.size(); ++size) {
    found.clear();
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (members[i].p_least <= alpha / static_cast<double>(size)) found.push_back(i);
    }
    if (found.size() <= size) break;
  }
  return found;
}

}  // namespace

std::vector<double> adjust_family(std::span<const FamilyMember> members, double alpha) {
  std::vector<std::size_t> order = testable(members, alpha);
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return members[i].p < members[j].p; });
  std::vector<double> adjusted(members.size(), 1.0);
  double floor = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto left = static_cast<double>(order.size() - rank);
    floor = std::max(floor, std::min(1.0, left * members[order[rank]].p));
    adjusted[order[rank]] = floor;
  }
  return adjusted;
}

}  // namespace replay
