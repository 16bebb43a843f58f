#include "replay/report/plan_bytes.h"

#include <algorithm>

#include "replay/engine/plan_layout.h"
#include "replay/engine/run_file.h"

namespace replay {

std::uint64_t plan_bytes(const Plan& plan, const SessionOptions& options) {
  std::uint64_t most = 0;
  for (const Pass pass : options.passes) {
    RunRequest request;
    request.pass = pass;
    const RunFile run(plan, request);
    most = std::max<std::uint64_t>(most, run_total_bytes(run.header()));
  }
  return plan.word_count * sizeof(PlanWord) + most;
}

}  // namespace replay
