#include "replay/report/result.h"

namespace replay {

const Figure* AllocatorResult::find(const std::string& key) const {
  for (const Figure& figure : figures) {
    if (figure.metric.key == key) return &figure;
  }
  return nullptr;
}

AllocatorResult summarize(const Plan& plan, const SubjectRuns& runs, const SubjectRuns& calibration,
                          std::size_t worst_calls) {
  AllocatorResult result;
  result.subject = runs.subject;
  for (Metric& metric : compute_metrics({plan, runs, calibration})) {
    const double value = median(metric.samples);
    const std::optional<Interval> interval =
        metric.exact ? range_interval(metric.samples) : median_interval(metric.samples);
    result.figures.push_back({std::move(metric), value, interval});
  }
  if (!runs.runs(Pass::kMemory).empty()) {
    result.memory = memory_series(plan, runs.runs(Pass::kMemory).front());
    result.idle = idle_series(plan, runs);
  }
  if (runs.runs(Pass::kLatency).empty()) return result;
  for (int i = 0; i < kOpCount; ++i) {
    if (plan.op_counts[i] == 0) continue;
    const Op op = static_cast<Op>(i);
    const std::vector<RunOutcome>& timed = runs.runs(Pass::kLatency);
    result.latencies.emplace_back(op, merge_latencies(timed, op));
    if (!timed.front().responses.empty()) {
      result.responses.emplace_back(op, merge_responses(timed, op));
    }
  }
  result.latency_classes = latency_classes(runs.runs(Pass::kLatency), worst_calls);
  return result;
}

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kSame:
      return "same";
    case Verdict::kCannotTell:
      return "cannot tell";
  }
  return "?";
}

const char* touch_name(Touch touch) {
  switch (touch) {
    case Touch::kNone:
      return "none";
    case Touch::kPage:
      return "page";
    case Touch::kAll:
      return "all";
    case Touch::kRecorded:
      return "recorded";
  }
  return "?";
}

}  // namespace replay
