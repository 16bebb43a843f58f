// The memory of an allocator over the events of a trace, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "replay/metrics/heap_map.h"
#include "replay/metrics/held_split.h"
#include "replay/metrics/memory_series.h"
#include "replay/report/idle_series.h"
#include "replay/report/soak_series.h"

namespace replay {

// series.memory: in bytes, at each sampled moment.
nlohmann::ordered_json memory_json(const MemorySeries& memory);

// series.held_at_peak: what the pages are that are held when most are.
nlohmann::ordered_json held_json(const HeldSplit& split);

// series.idle: what is held after the last event.
nlohmann::ordered_json idle_json(const IdleSeries& idle);

// series.soak: turn by turn, and whether it grows.
nlohmann::ordered_json soak_json(const SoakSeries& soak);

// series.heap_map: one moment.
nlohmann::ordered_json heap_map_json(const HeapMap& map);

// series.fragmentation: the requested bytes against the pages held.
nlohmann::ordered_json fragmentation_json(const MemorySeries& memory);

}  // namespace replay
