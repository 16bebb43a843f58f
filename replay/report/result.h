// The result model: everything that one run of the tool found out, before it becomes text.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replay/engine/session.h"
#include "replay/metrics/heap_map.h"
#include "replay/metrics/held_split.h"
#include "replay/metrics/latency_classes.h"
#include "replay/metrics/latency_histogram.h"
#include "replay/metrics/memory_series.h"
#include "replay/metrics/metric.h"
#include "replay/report/idle_series.h"
#include "replay/report/soak_series.h"
#include "replay/report/statistics.h"
#include "replay/trace/header.h"

namespace replay {

struct Figure {
  Metric metric;
  double value;
  std::optional<Interval> interval;
};

struct AllocatorResult {
  Subject subject;
  std::vector<Figure> figures;
  MemorySeries memory;                                     // of the first repetition, or empty
  std::optional<HeldSplit> held_at_peak;                   // of a run of its own
  std::vector<HeapMap> heap_maps;                          // each of a run of its own
  std::optional<SoakSeries> soak;                          // of a run of its own
  IdleSeries idle;                                         // of all repetitions, or empty
  std::vector<std::pair<Op, LatencyHistogram>> latencies;  // of all repetitions
  LatencyClasses latency_classes;                          // of all repetitions
  std::vector<std::pair<Op, LatencyHistogram>> responses;  // the same; empty without pace

  const Figure* find(const std::string& key) const;
};

enum class Verdict { kBetter, kWorse, kSame, kCannotTell };

struct ComparedFigure {
  std::string key;
  double ratio;  // subject / baseline
  std::optional<Interval> interval;
  Verdict verdict;
};

struct Comparison {
  std::string baseline;
  std::string subject;
  mem::Binding binding;
  std::vector<ComparedFigure> figures;
};

struct TraceFacts {
  std::string path;
  std::string sha256;
  TraceHeader header;
  std::uint64_t first_event = 0;  // the range that was measured
  std::uint64_t last_event = 0;   // exclusive
  std::uint64_t live_bytes_peak = 0;
  std::string truncation;
  std::optional<std::uint64_t> floor_pages = {};  // footprint_floor.h
};

struct RunConfig {
  int repetitions = 0;
  Touch touch = Touch::kPage;
  int cpu = 0;
  std::optional<bool> timer_is_tsc = {};  // else clock_gettime; nothing if no call was timed
  std::vector<Pass> passes = {Pass::kThroughput, Pass::kLatency, Pass::kMemory};
  std::string counted_by;            // what counted instructions, if anything did
  bool addresses_fixed = false;      // of the workers whose cost was counted
  std::string threads = "recorded";  // as asked for
  double pace = 0;                   // 0: as fast as can be
  std::optional<std::uint64_t> plan_window_bytes = {};  // of a streamed plan, at a time
  std::uint64_t plan_bytes = 0;  // of the plan and the tables of a worker (plan_bytes.h)
};

// Of the plan; all the same whatever the allocator.
struct ThreadFacts {
  std::uint32_t replayed = 1;
  std::size_t at_once = 1;           // most that are alive at the same time
  std::uint64_t edges_found = 0;     // orders between events of two threads
  std::uint64_t edges_enforced = 0;  // of these, the waits that imply the rest
};

struct Result {
  nlohmann::ordered_json context;  // context.h
  TraceFacts trace;
  RunConfig config;
  ThreadFacts threads;
  std::vector<AllocatorResult> allocators;
  std::vector<Comparison> comparisons;
};

// How many of the longest calls a result names, unless told.
inline constexpr std::size_t kWorstCalls = 10;

// Turns one allocator's runs into figures, each the median of its samples.
AllocatorResult summarize(const Plan& plan, const SubjectRuns& runs, const SubjectRuns& calibration,
                          std::size_t worst_calls = kWorstCalls);

const char* verdict_name(Verdict verdict);
const char* touch_name(Touch touch);

}  // namespace replay
