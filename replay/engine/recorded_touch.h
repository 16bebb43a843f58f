// Which births and reallocs of a trace had only a part of their pages touched, as far as its
// recording says: what a plan for Touch::kRecorded needs beyond the events.
//
// How much of a block was touched is known where it is freed or resized, and wanted where it is
// born, so this reads the trace once before the plan is compiled. O(events) time; memory is
// O(live objects + parts). Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "replay/engine/plan_layout.h"
#include "replay/trace/reader.h"

namespace replay {

struct TouchedPart {
  std::uint64_t event = 0;  // a birth or realloc
  PlanWord word = 0;        // as it stands before that event in the plan

  friend bool operator==(const TouchedPart&, const TouchedPart&) = default;
};

// By event. What no recording tells of (small blocks, those that were never freed) counts as
// touched whole. Throws Error if the trace has no residency, and for events of objects that are not
// live; calls `after_block` now and then.
std::vector<TouchedPart> read_touched_parts(
    TraceReader& trace, const std::function<void()>& after_block = [] {});

}  // namespace replay
