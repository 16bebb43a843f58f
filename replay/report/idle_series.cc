#include "replay/report/idle_series.h"

#include "replay/metrics/memory_series.h"
#include "replay/report/statistics.h"

namespace replay {
namespace {

// A median over the repetitions.
template <class F>
double median_of(const std::vector<RunOutcome>& runs, F&& value) {
  std::vector<double> values;
  for (const RunOutcome& run : runs) values.push_back(value(run));
  return median(values);
}

IdleCourse course_of(const IdleSeries& series, const std::vector<RunOutcome>& runs) {
  IdleCourse course;
  const auto page = static_cast<double>(series.page_size_bytes);
  const double floor = static_cast<double>(series.live_bytes) / page;
  const double could = series.peak_resident_pages - floor;
  for (std::size_t i = 0; i < series.after_ms.size(); ++i) {
    const double pages = median_of(runs, [&](const RunOutcome& run) {
      return static_cast<double>(run.idle_resident_bytes(i)) / page;
    });
    course.resident_pages.push_back(pages);
    const bool back = could > 0 && series.peak_resident_pages - pages >= kComeBackShare * could;
    if (back && !course.back_after_ms) course.back_after_ms = series.after_ms[i];
  }
  return course;
}

}  // namespace

IdleSeries idle_series(const Plan& plan, const SubjectRuns& runs) {
  IdleSeries series;
  const std::vector<RunOutcome>& plain = runs.runs(Pass::kMemory);
  const std::vector<RunOutcome>& trimmed = runs.runs(Pass::kTrimmed);
  if (plain.empty() || trimmed.empty()) return series;
  const Idle& idle = plain.front().idle;
  series.after_ms.assign(idle.after_ms, idle.after_ms + idle.count);
  series.live_bytes = plan.checkpoints.back().live_bytes;
  const auto pages = [&](const RunOutcome& run) { return memory_series(plan, run); };
  series.page_size_bytes = pages(plain.front()).page_size_bytes;
  series.peak_resident_pages = median_of(plain, [&](const RunOutcome& run) {
    const MemorySeries memory = pages(run);
    return static_cast<double>(memory.total_pages[memory.most_pages()]);
  });
  series.end_resident_pages = median_of(plain, [&](const RunOutcome& run) {
    return static_cast<double>(pages(run).total_pages.back());
  });
  series.untrimmed = course_of(series, plain);
  if (trimmed.front().idle.trimmed) {
    series.trimmed = course_of(series, trimmed);
  } else {
    series.trimmed.why_absent = "the allocator has no malloc_trim";
  }
  return series;
}

}  // namespace replay
