// Runs with figures that a test made up, to compute metrics from.
#pragma once

#include <vector>

#include "replay/metrics/metric.h"

namespace replay::test {

inline Plan made_plan() {
  Plan plan;
  plan.event_count = 1000;
  plan.op_counts[static_cast<int>(Op::kMalloc)] = 500;
  plan.op_counts[static_cast<int>(Op::kFree)] = 500;
  plan.checkpoints = {{0, 0, 0, {0}}, {10, 8192, 2, {10}}, {20, 4096, 1, {20}}};
  plan.peak_live = 1;
  return plan;
}

// Resident at the three checkpoints: 0, 4 and 5 pages above a baseline of 100 pages; of these with
// live objects: none, 3 and 1. Right after the end 4 of the 5 pages are left, and 2 after 500 ms.
inline RunOutcome made_outcome(std::uint64_t elapsed_ns) {
  RunOutcome run;
  run.elapsed_ns = elapsed_ns;
  run.ns_per_tick = 0.5;
  run.timer_cost_ns = 20;
  run.minor_faults = 7;
  run.baseline = {100 * 4096, 1000 * 4096, 0, 0, 0, 0};
  run.samples = {{100 * 4096, 1000 * 4096, 0, 0, 0, 0},
                 {104 * 4096, 1016 * 4096, 4096, 9000, 10000, 3},
                 {105 * 4096, 1008 * 4096, 0, 8000, 5000, 1}};
  run.usable_known = run.occupied_known = true;
  run.idle = {2, {0, 500}, true, {104 * 4096, 102 * 4096}};
  run.high_water_bytes = 6 * 4096;
  run.memory_calls_counted = true;
  run.memory_calls = {3, 2, 0, 1, 0, 0};
  run.histograms.resize(kOpCount);
  run.latency.preemptions_seen = true;
  run.counters.fill({true, 5000, 1.0});
  for (auto& of_op : run.call_counts.by_op) {
    for (CallCount& count : of_op) count = {100, 5000, 0};
  }
  for (CallCount& count : run.call_counts.empty) count = {50, 500, 0};
  run.instructions = InstructionCount{100'000, 6, {}};
  run.instructions->by_op.fill({500, 50'000});
  return run;
}

inline SubjectRuns made_runs(std::vector<std::uint64_t> elapsed_ns) {
  SubjectRuns runs;
  runs.subject = {"made", mem::Binding::kInProcess, "", "made"};
  for (const std::uint64_t ns : elapsed_ns) {
    for (auto& pass : runs.by_pass) pass.push_back(made_outcome(ns));
  }
  return runs;
}

inline const Metric* find_metric(const std::vector<Metric>& metrics, const std::string& key) {
  for (const Metric& metric : metrics) {
    if (metric.key == key) return &metric;
  }
  return nullptr;
}

}  // namespace replay::test
