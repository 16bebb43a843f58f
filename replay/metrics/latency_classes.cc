#include "replay/metrics/latency_classes.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace replay {
namespace {

void add_cells(const std::vector<RunOutcome>& runs, LatencyClasses& out) {
  std::map<std::tuple<Op, unsigned, bool>, ClassHistogram> merged;
  for (const RunOutcome& run : runs) {
    for (const LatencyCell& cell : run.latency.cells) {
      merged[{cell.op, cell.size_class, cell.special}].add(cell.histogram);
    }
  }
  for (const auto& [key, ticks] : merged) {
    const auto& [op, size_class, special] = key;
    out.classes.push_back({op, size_class, special, ticks,
                           in_ns(ticks, out.ns_per_tick, runs.front().timer_resolution_ns)});
  }
}

// Takes in that the call took so long in one repetition.
void note(const LongCall& call, double ns, WorstCall& worst) {
  const bool first = worst.repetitions == 0;
  const bool clean = call.disturbance == Disturbance::kNone;
  const bool was_clean = !first && worst.disturbance == Disturbance::kNone;
  if (first || (clean && !was_clean)) {
    worst.disturbance = call.disturbance;
    worst.ns = ns;
  } else if (clean == was_clean) {
    worst.ns = std::max(worst.ns, ns);
  }
  worst.op = call.op;
  worst.size_bytes = call.size;
  worst.special = worst.special || call.special;
  ++worst.repetitions;
}

void add_worst(const std::vector<RunOutcome>& runs, std::size_t count, LatencyClasses& out) {
  std::map<std::uint64_t, WorstCall> by_event;
  for (const RunOutcome& run : runs) {
    for (const LongCall& call : run.latency.longest) {
      WorstCall& worst = by_event[call.trace_event];
      worst.event = call.trace_event;
      worst.at = {call.lane, call.event};
      note(call, static_cast<double>(call.ticks) * run.ns_per_tick, worst);
    }
  }
  for (const auto& [event, worst] : by_event) out.worst.push_back(worst);
  std::stable_sort(out.worst.begin(), out.worst.end(), [](const WorstCall& a, const WorstCall& b) {
    const bool a_clean = a.disturbance == Disturbance::kNone;
    const bool b_clean = b.disturbance == Disturbance::kNone;
    return a_clean != b_clean ? a_clean : a.ns > b.ns;
  });
  if (out.worst.size() > count) out.worst.resize(count);
}

}  // namespace

LatencyClasses latency_classes(const std::vector<RunOutcome>& runs, std::size_t worst_count) {
  LatencyClasses out;
  if (runs.empty()) return out;
  out.ns_per_tick = runs.front().ns_per_tick;
  out.preemptions_seen = true;
  out.first_touch_known = true;
  for (const RunOutcome& run : runs) {
    for (std::size_t i = 0; i < kDisturbanceCount; ++i) {
      out.disturbed[i] += run.latency.disturbed[i];
    }
    out.disturbed_ticks.add(run.latency.disturbed_windows);
    out.preemptions_seen = out.preemptions_seen && run.latency.preemptions_seen;
    out.first_touch_known = out.first_touch_known && run.latency.first_touch_known;
  }
  add_cells(runs, out);
  add_worst(runs, worst_count, out);
  return out;
}

std::vector<ExplainedCall> to_explain(const std::vector<WorstCall>& worst) {
  std::vector<ExplainedCall> calls;
  for (const WorstCall& call : worst) {
    ExplainedCall ask{};
    ask.lane = call.at.lane;
    ask.event = call.at.event;
    calls.push_back(ask);
  }
  std::sort(calls.begin(), calls.end(), [](const ExplainedCall& a, const ExplainedCall& b) {
    return std::tie(a.lane, a.event) < std::tie(b.lane, b.event);
  });
  return calls;
}

void note_explained(const RunOutcome& answer, std::vector<WorstCall>& worst) {
  for (WorstCall& call : worst) {
    for (const ExplainedCall& explained : answer.explained) {
      if (!explained.seen || LaneEvent{explained.lane, explained.event} != call.at) continue;
      call.explained = explained;
      call.explained_ns = static_cast<double>(explained.ticks) * answer.ns_per_tick;
    }
  }
}

}  // namespace replay
