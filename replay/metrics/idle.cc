// Resident pages at each time that --idle states, with and without malloc_trim.
#include <fmt/format.h>
#include <unistd.h>

#include "replay/metrics/groups.h"

namespace replay {
namespace {

void add_course(const std::vector<RunOutcome>& runs, const char* kind, std::vector<Metric>& out) {
  if (runs.empty()) return;
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const Idle& idle = runs.front().idle;
  for (std::uint32_t i = 0; i < idle.count; ++i) {
    Metric metric{fmt::format("idle_{}ms_{}resident_pages", idle.after_ms[i], kind),
                  "pages",
                  Better::kLower,
                  {}};
    for (const RunOutcome& run : runs) {
      metric.samples.push_back(static_cast<double>(run.idle_resident_bytes(i)) / page_bytes);
    }
    out.push_back(std::move(metric));
  }
}

}  // namespace

void add_idle(const Measured& measured, std::vector<Metric>& out) {
  add_course(measured.runs.runs(Pass::kMemory), "", out);
  const std::vector<RunOutcome>& trimmed = measured.runs.runs(Pass::kTrimmed);
  if (!trimmed.empty() && trimmed.front().idle.trimmed) add_course(trimmed, "trimmed_", out);
}

}  // namespace replay
