// What the allocator's work cost, in figures that are the same in every run: instructions a call
// without what the replay itself takes (the null allocator on the same plan), page faults, pages at
// the most, and system calls. Absent unless asked for (--cost).
#include <fmt/format.h>

#include <algorithm>

#include "replay/metrics/groups.h"
#include "replay/metrics/memory_series.h"

namespace replay {
namespace {

Metric exact(std::string key, const char* unit, Better better) {
  Metric metric{std::move(key), unit, better, {}};
  metric.exact = true;
  return metric;
}

double per(std::uint64_t cost, std::uint64_t calls) {
  return calls == 0 ? 0 : static_cast<double>(cost) / static_cast<double>(calls);
}

// Of one call of `op`, without the same of the null allocator.
double instructions_a_call(const InstructionCount& count, const InstructionCount& null, Op op) {
  const auto which = static_cast<std::size_t>(op);
  return per(count.by_op[which].instructions, count.by_op[which].calls) -
         per(null.by_op[which].instructions, null.by_op[which].calls);
}

void add_instructions(const Measured& measured, std::vector<Metric>& out) {
  const std::uint64_t events = measured.plan.event_count - measured.plan.warmup_events;
  const std::vector<RunOutcome>& runs = measured.runs.runs(Pass::kInstructions);
  const std::vector<RunOutcome>& null_runs = measured.calibration.runs(Pass::kInstructions);
  Metric all = exact("cost_instructions_per_event", "instructions", Better::kLower);
  Metric harness = exact("cost_harness_instructions_per_event", "instructions", Better::kNone);
  Metric system_calls = exact("cost_system_calls", "calls", Better::kLower);
  std::vector<Metric> by_op;
  for (int i = 0; i < kOpCount; ++i) {
    by_op.push_back(exact(fmt::format("cost_instructions_{}", op_name(static_cast<Op>(i))),
                          "instructions", Better::kLower));
  }
  for (std::size_t r = 0; r < std::min(runs.size(), null_runs.size()); ++r) {
    if (!runs[r].instructions || !null_runs[r].instructions) continue;
    const InstructionCount& count = *runs[r].instructions;
    const InstructionCount& null = *null_runs[r].instructions;
    all.samples.push_back(per(count.instructions, events) - per(null.instructions, events));
    harness.samples.push_back(per(null.instructions, events));
    if (count.system_calls) {
      system_calls.samples.push_back(static_cast<double>(*count.system_calls));
    }
    for (std::size_t i = 0; i < kOpCount; ++i) {
      if (count.by_op[i].calls == 0) continue;
      by_op[i].samples.push_back(instructions_a_call(count, null, static_cast<Op>(i)));
    }
  }
  out.push_back(std::move(all));
  std::move(by_op.begin(), by_op.end(), std::back_inserter(out));
  out.push_back(std::move(harness));
  out.push_back(std::move(system_calls));
}

void add_kernel_work(const Measured& measured, std::vector<Metric>& out) {
  Metric faults = exact("cost_page_faults", "faults", Better::kLower);
  Metric calls = exact("cost_memory_calls", "calls", Better::kLower);
  Metric pages = exact("cost_peak_resident_pages", "pages", Better::kLower);
  for (const RunOutcome& run : measured.runs.runs(Pass::kKernelWork)) {
    faults.samples.push_back(static_cast<double>(run.minor_faults + run.major_faults));
    const MemorySeries series = memory_series(measured.plan, run);
    pages.samples.push_back(static_cast<double>(series.total_pages[series.most_pages()]));
    if (!run.memory_calls_counted) continue;
    std::uint64_t sum = 0;
    for (const std::uint64_t count : run.memory_calls) sum += count;
    calls.samples.push_back(static_cast<double>(sum));
  }
  out.push_back(std::move(faults));
  out.push_back(std::move(calls));
  out.push_back(std::move(pages));
}

}  // namespace

void add_cost(const Measured& measured, std::vector<Metric>& out) {
  std::vector<Metric> metrics;
  add_instructions(measured, metrics);
  add_kernel_work(measured, metrics);
  for (Metric& metric : metrics) {
    if (!metric.samples.empty()) out.push_back(std::move(metric));
  }
}

}  // namespace replay
