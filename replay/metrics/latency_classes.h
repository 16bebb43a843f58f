// Latency in detail, over all repetitions of an allocator: by operation, size class and
// circumstance; the longest calls; and the windows that do not count (engine/latency_detail.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "replay/engine/event_numbers.h"
#include "replay/engine/launcher.h"
#include "replay/metrics/latency_histogram.h"

namespace replay {

struct LatencyClass {
  Op op = Op::kMalloc;
  unsigned size_class = 0;  // engine/size_class.h
  bool special = false;     // freed by another thread than made it; first on a page
  ClassHistogram ticks{};
  LatencyHistogram ns;
};

struct WorstCall {
  std::uint64_t event = 0;  // of the trace
  LaneEvent at;             // where it was replayed
  Op op = Op::kMalloc;
  std::uint64_t size_bytes = 0;  // requested; of a free, the limit of its size class
  bool special = false;
  Disturbance disturbance = Disturbance::kNone;  // else it was never seen without
  double ns = 0;        // the longest of the repetitions, of the undisturbed if there are any
  int repetitions = 0;  // in which it was among the longest
  std::optional<ExplainedCall> explained;
  double explained_ns = 0;
};

struct LatencyClasses {
  double ns_per_tick = 0;  // of the first repetition, at which all ticks are told
  std::vector<LatencyClass> classes;
  std::vector<WorstCall> worst;  // the longest first, but disturbed ones last
  std::array<std::uint64_t, kDisturbanceCount> disturbed{};
  ClassHistogram disturbed_ticks{};
  bool preemptions_seen = false;
  bool first_touch_known = false;
};

// The runs' long calls must know their events of the trace.
LatencyClasses latency_classes(const std::vector<RunOutcome>& runs, std::size_t worst_count);

// What to ask a pass Pass::kExplain for, and what to note of its answer.
std::vector<ExplainedCall> to_explain(const std::vector<WorstCall>& worst);
void note_explained(const RunOutcome& answer, std::vector<WorstCall>& worst);

}  // namespace replay
