// Latency in detail as JSON: the parts latency_by_class, latency_worst and latency_disturbed of a
// result's series (results/README.md).
#pragma once

#include <nlohmann/json.hpp>

#include "replay/metrics/latency_classes.h"

namespace replay {

nlohmann::ordered_json latency_by_class_json(const LatencyClasses& latency);
nlohmann::ordered_json latency_worst_json(const LatencyClasses& latency);
nlohmann::ordered_json latency_disturbed_json(const LatencyClasses& latency);

}  // namespace replay
