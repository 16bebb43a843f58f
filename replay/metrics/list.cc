#include <algorithm>
#include <array>

#include "replay/metrics/groups.h"

namespace replay {
namespace {

constexpr std::array kGroups = {
    MetricGroup{"throughput", "events a second, no timer in the loop", add_throughput},
    MetricGroup{"latency", "nanoseconds a call, by operation", add_latency},
    MetricGroup{"disturbance", "timed calls in which the kernel took the CPU away",
                add_disturbance},
    MetricGroup{"fragmentation", "live bytes against resident pages, at both peaks and on average",
                add_fragmentation},
    MetricGroup{"footprint", "peak resident and mapped pages", add_footprint},
    MetricGroup{"idle", "resident pages while the program idles after the last event (--idle)",
                add_idle},
    MetricGroup{"kernel", "page faults and calls for memory", add_kernel_calls},
    MetricGroup{"counters", "hardware counters an event, where perf_event_open allows them",
                add_counters},
    MetricGroup{"call-counters", "the same a call, by operation", add_call_counters},
    MetricGroup{"cost", "instructions, page faults and system calls, exactly (--cost)", add_cost},
    MetricGroup{"concurrency", "threads that waited for each other, and events that overlapped",
                add_concurrency},
    MetricGroup{"harness", "what the replay itself costs, and allocations that failed",
                add_harness},
};

}  // namespace

std::span<const MetricGroup> metric_groups() { return kGroups; }

std::vector<Metric> compute_metrics(const Measured& measured) {
  std::vector<Metric> metrics;
  for (const MetricGroup& group : metric_groups()) group.add(measured, metrics);
  std::erase_if(metrics, [](const Metric& metric) { return metric.samples.empty(); });
  return metrics;
}

std::vector<Pass> passes_for(const Measured& measured, const std::vector<std::string>& keys) {
  SubjectRuns left = measured.runs;
  const auto count = [&] {
    const std::vector<Metric> metrics =
        compute_metrics({measured.plan, left, measured.calibration});
    return std::count_if(metrics.begin(), metrics.end(), [&](const Metric& metric) {
      return std::find(keys.begin(), keys.end(), metric.key) != keys.end();
    });
  };
  const auto all = count();
  std::vector<Pass> passes;
  for (int i = kPassCount - 1; i >= 0; --i) {
    auto& of_pass = left.by_pass[static_cast<std::size_t>(i)];
    std::vector<RunOutcome> without;
    without.swap(of_pass);
    if (count() == all) continue;
    without.swap(of_pass);
    passes.insert(passes.begin(), static_cast<Pass>(i));
  }
  return passes;
}

}  // namespace replay
