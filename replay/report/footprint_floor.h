// The least pages that a trace can be served with, as far as it is known without packing: those
// that its most live bytes fill; and footprints as multiples of it. `allocreplay floor` tells how
// near a packing comes. Stateless, O(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "replay/engine/session.h"
#include "replay/metrics/metric.h"

namespace replay {

// Of the measured events. Nothing where objects are not touched on all their pages, for then a
// replay may hold fewer.
std::optional<std::uint64_t> floor_pages(const Plan& plan, Touch touch);

// Of a metric in pages that had better be low; nothing of others, or if no floor is known.
std::optional<double> of_floor(double value, const std::string& unit, Better better,
                               std::optional<std::uint64_t> floor_pages);

// "1.271 x", "-" for nothing.
std::string of_floor_text(std::optional<double> multiple);

}  // namespace replay
