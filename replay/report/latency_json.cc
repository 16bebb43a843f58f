#include "replay/report/latency_json.h"

#include <cmath>

namespace replay {
namespace {

using nlohmann::ordered_json;

// Latencies are told to a hundredth of a nanosecond.
ordered_json nanoseconds(double ns) {
  return std::isfinite(ns) ? ordered_json(std::round(ns * 100) / 100) : ordered_json(nullptr);
}

ordered_json histogram_json(const ClassHistogram& ticks, double ns_per_tick) {
  ordered_json index = ordered_json::array();
  ordered_json count = ordered_json::array();
  for (unsigned i = 0; i < ClassHistogram::kBuckets; ++i) {
    if (ticks.buckets[i] == 0) continue;
    index.push_back(i);
    count.push_back(ticks.buckets[i]);
  }
  return {{"buckets_per_doubling", ClassHistogram::kSubBuckets},
          {"tick_ns", ns_per_tick},
          {"sum_ticks", ticks.sum},
          {"max_ticks", ticks.max},
          {"index", index},
          {"count", count}};
}

// What `special` means for the operation: a circumstance of frees, or of the others.
void add_circumstance(Op op, bool special, bool first_touch_known, ordered_json& row) {
  row["remote"] = op == Op::kFree ? ordered_json(special) : ordered_json(nullptr);
  row["first_touch"] =
      op != Op::kFree && first_touch_known ? ordered_json(special) : ordered_json(nullptr);
}

ordered_json explained_json(const WorstCall& call) {
  if (!call.explained) return nullptr;
  ordered_json calls = ordered_json::object();
  for (int i = 0; i < kMemoryCallCount; ++i) {
    calls[memory_call_name(static_cast<MemoryCall>(i))] = call.explained->memory_calls[i];
  }
  return {{"ns", nanoseconds(call.explained_ns)},
          {"page_faults", call.explained->page_faults},
          {"context_switches_voluntary", call.explained->waits},
          {"context_switches_involuntary", call.explained->preemptions},
          {"calls", calls}};
}

}  // namespace

ordered_json latency_by_class_json(const LatencyClasses& latency) {
  ordered_json rows = ordered_json::array();
  for (const LatencyClass& part : latency.classes) {
    const bool last = part.size_class == kSizeClassCount - 1;
    ordered_json row = {
        {"op", op_name(part.op)},
        {"above_bytes", part.size_class == 0 ? 0 : size_class_limit(part.size_class - 1)},
        {"up_to_bytes",
         last ? ordered_json(nullptr) : ordered_json(size_class_limit(part.size_class))}};
    add_circumstance(part.op, part.special, latency.first_touch_known, row);
    row["calls"] = part.ns.count;
    row["p50_ns"] = nanoseconds(part.ns.quantile_ns(0.5));
    row["p90_ns"] = nanoseconds(part.ns.quantile_ns(0.9));
    row["p99_ns"] = nanoseconds(part.ns.quantile_ns(0.99));
    row["p999_ns"] = nanoseconds(part.ns.quantile_ns(0.999));
    row["p9999_ns"] = nanoseconds(part.ns.quantile_ns(0.9999));
    row["max_ns"] = nanoseconds(part.ns.max_ns);
    row["histogram"] = histogram_json(part.ticks, latency.ns_per_tick);
    rows.push_back(std::move(row));
  }
  return rows;
}

ordered_json latency_worst_json(const LatencyClasses& latency) {
  ordered_json rows = ordered_json::array();
  for (const WorstCall& call : latency.worst) {
    ordered_json row = {{"event", call.event},
                        {"op", op_name(call.op)},
                        {"size_bytes", call.size_bytes},
                        {"ns", nanoseconds(call.ns)},
                        {"repetitions", call.repetitions},
                        {"disturbed", call.disturbance == Disturbance::kNone
                                          ? ordered_json(nullptr)
                                          : ordered_json(disturbance_name(call.disturbance))}};
    add_circumstance(call.op, call.special, latency.first_touch_known, row);
    row["explained"] = explained_json(call);
    rows.push_back(std::move(row));
  }
  return rows;
}

ordered_json latency_disturbed_json(const LatencyClasses& latency) {
  ordered_json counts = ordered_json::object();
  for (const Disturbance why : {Disturbance::kPreempted, Disturbance::kMigrated}) {
    counts[disturbance_name(why)] = latency.disturbed[static_cast<std::size_t>(why)];
  }
  if (!latency.preemptions_seen) counts[disturbance_name(Disturbance::kPreempted)] = nullptr;
  counts["histogram"] = histogram_json(latency.disturbed_ticks, latency.ns_per_tick);
  return counts;
}

}  // namespace replay
