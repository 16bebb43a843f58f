// Compares an allocator's metrics with those of a baseline that ran beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replay/report/result.h"

namespace replay {

// A ratio this close to 1 is no difference that anybody would choose an allocator by.
inline constexpr double kSameWithin = 0.02;

// Better or worse: the whole interval of the ratio lies on that side of 1. Same: it lies within
// 1 +- kSameWithin, or the two figures are equal. Cannot tell: everything else.
Verdict judge(Better better, double ratio, const std::optional<Interval>& interval);

// Metrics that say which way is better and that both sides have, in the subject's order.
Comparison compare(const AllocatorResult& baseline, const AllocatorResult& subject);

}  // namespace replay
