// Nanoseconds a call, for each operation that the trace has. A window holds one call and the
// timer's own cost.
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

}  // namespace

void add_latency(const Measured& measured, std::vector<Metric>& out) {
  const std::vector<RunOutcome>& runs = measured.runs.runs(Pass::kLatency);
  for (int i = 0; i < kOpCount; ++i) {
    if (measured.plan.op_counts[i] == 0) continue;
    const Op op = static_cast<Op>(i);
    std::vector<LatencyHistogram> each;
    for (const RunOutcome& run : runs) each.push_back(latencies_of(run, op));
    for (const Figure& figure : kFigures) {
      Metric metric{fmt::format("latency_ns_{}_{}", op_name(op), figure.name),
                    figure.unit,
                    figure.better,
                    {}};
      for (const LatencyHistogram& histogram : each) metric.samples.push_back(figure.of(histogram));
      out.push_back(std::move(metric));
    }
  }
}

}  // namespace replay
