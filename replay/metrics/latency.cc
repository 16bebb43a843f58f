// Nanoseconds a call, for each operation that the trace has. A window holds one call and the
// timer's own cost; the response times of a paced replay begin when the call was due.
#include <fmt/format.h>

#include "replay/metrics/groups.h"
#include "replay/metrics/latency_histogram.h"

namespace replay {
namespace {

struct Figure {
  const char* name;
  const char* unit;
  Better better;
  double (*of)(const LatencyHistogram&);
};

constexpr Figure kFigures[] = {
    {"p50", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.quantile_ns(0.5); }},
    {"p90", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.quantile_ns(0.9); }},
    {"p99", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.quantile_ns(0.99); }},
    {"p999", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.quantile_ns(0.999); }},
    {"p9999", "ns", Better::kLower,
     [](const LatencyHistogram& h) { return h.quantile_ns(0.9999); }},
    {"max", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.max_ns; }},
    {"mean", "ns", Better::kLower, [](const LatencyHistogram& h) { return h.mean_ns(); }},
    {"count", "calls", Better::kNone,
     [](const LatencyHistogram& h) { return static_cast<double>(h.count); }},
};

void add_figures(const std::string& prefix, const std::vector<LatencyHistogram>& each,
                 std::vector<Metric>& out) {
  for (const Figure& figure : kFigures) {
    Metric metric{fmt::format("{}_{}", prefix, figure.name), figure.unit, figure.better, {}};
    for (const LatencyHistogram& histogram : each) metric.samples.push_back(figure.of(histogram));
    out.push_back(std::move(metric));
  }
}

}  // namespace

void add_latency(const Measured& measured, std::vector<Metric>& out) {
  for (int i = 0; i < kOpCount; ++i) {
    if (measured.plan.op_counts[i] == 0) continue;
    const Op op = static_cast<Op>(i);
    std::vector<LatencyHistogram> service;
    std::vector<LatencyHistogram> response;
    for (const RunOutcome& run : measured.runs.runs(Pass::kLatency)) {
      service.push_back(latencies_of(run, op));
      if (!run.responses.empty()) response.push_back(responses_of(run, op));
    }
    add_figures(fmt::format("latency_ns_{}", op_name(op)), service, out);
    if (!response.empty()) add_figures(fmt::format("response_ns_{}", op_name(op)), response, out);
  }
}

}  // namespace replay
