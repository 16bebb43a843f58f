// How the threads of a replay got on beside each other in the throughput pass; absent for one
// thread.
//
// Overlapped are events that were executed while another thread was not waiting either; with more
// such threads than CPUs they took turns. Within a stretch between two waits the events are taken
// to be spread evenly.
#include "replay/metrics/groups.h"

namespace replay {

void add_concurrency(const Measured& measured, std::vector<Metric>& out) {
  if (measured.plan.lanes.size() < 2) return;
  const auto events = static_cast<double>(measured.plan.event_count - measured.plan.warmup_events);
  Metric overlapped{"threads_overlapped_share", kShare, Better::kNone, {}};
  Metric running{"threads_running_mean", "threads", Better::kNone, {}};
  Metric waited{"threads_waited_ns", "ns", Better::kNone, {}};
  Metric blocked{"threads_waits_blocked", "waits", Better::kNone, {}};
  Metric slept{"threads_waits_slept", "waits", Better::kNone, {}};
  for (const RunOutcome& run : measured.runs.runs(Pass::kThroughput)) {
    const Concurrency& of = run.concurrency;
    overlapped.samples.push_back(of.overlapped_events / events);
    running.samples.push_back(static_cast<double>(of.busy_ns) /
                              static_cast<double>(run.elapsed_ns));
    waited.samples.push_back(static_cast<double>(of.waited_ns));
    blocked.samples.push_back(static_cast<double>(of.waits_blocked));
    slept.samples.push_back(static_cast<double>(of.waits_slept));
  }
  for (Metric* metric : {&overlapped, &running, &waited, &blocked, &slept}) {
    out.push_back(std::move(*metric));
  }
}

}  // namespace replay
