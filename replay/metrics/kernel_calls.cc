// How often the kernel was asked: page faults during the throughput pass, and the system calls that
// get and give back memory during the memory pass. Where calls cannot be counted (memory_calls.h)
// the metrics are absent.
#include <fmt/format.h>

#include "replay/metrics/groups.h"

namespace replay {
void add_kernel_calls(const Measured& measured, std::vector<Metric>& out) {
  Metric minor{"page_faults_minor", "faults", Better::kLower, {}};
  Metric major{"page_faults_major", "faults", Better::kLower, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kThroughput)) {
    minor.samples.push_back(static_cast<double>(run.minor_faults));
    major.samples.push_back(static_cast<double>(run.major_faults));
  }
  out.push_back(std::move(minor));
  out.push_back(std::move(major));
  const std::vector<RunOutcome>& memory_runs = measured.runs.runs(Pass::kMemory);
  for (std::size_t i = 0; i < kMemoryCallCount; ++i) {
    Metric calls{fmt::format("calls_{}", memory_call_name(static_cast<MemoryCall>(i))),
                 "calls",
                 Better::kLower,
                 {}};
    for (const RunOutcome& run : memory_runs) {
      if (run.memory_calls_counted)
        calls.samples.push_back(static_cast<double>(run.memory_calls[i]));
    }
    if (!calls.samples.empty()) out.push_back(std::move(calls));
  }
}

}  // namespace replay
