#include "replay/report/memory_text.h"

#include <fmt/format.h>

namespace replay {
namespace {

std::string mib(double bytes) { return fmt::format("{:.2f} MiB", bytes / (1024 * 1024)); }

std::string course_text(const IdleSeries& idle, const IdleCourse& course) {
  if (!course.why_absent.empty()) return course.why_absent;
  if (idle.peak_resident_pages == 0) return "nothing was held";
  std::string text;
  for (std::size_t i = 0; i < idle.after_ms.size(); ++i) {
    text += fmt::format("{}{} after {} ms", i == 0 ? "" : ", ",
                        mib(course.resident_pages[i] * static_cast<double>(idle.page_size_bytes)),
                        idle.after_ms[i]);
  }
  return text + (course.back_after_ms
                     ? fmt::format("; came back within {} ms", *course.back_after_ms)
                     : "; did not come back");
}

std::string drift_text(const Drift& drift) {
  if (drift.tested_turns < kLeastTested) {
    return fmt::format("cannot tell from so few turns; {} tell", 2 * kLeastTested);
  }
  return fmt::format("{}: {:+.2f} % over the last {} turns ({:+.2f} to {:+.2f} %)",
                     drift_verdict_name(drift.verdict), drift.growth * 100, drift.tested_turns,
                     drift.growth_interval.low * 100, drift.growth_interval.high * 100);
}

}  // namespace

std::string idle_text(const Result& result) {
  std::string text;
  for (const AllocatorResult& allocator : result.allocators) {
    const IdleSeries& idle = allocator.idle;
    if (idle.after_ms.empty()) continue;
    const auto bytes = [&](double pages) {
      return pages * static_cast<double>(idle.page_size_bytes);
    };
    text +=
        fmt::format("{} idle: most held {}, at the last event {} with {} live\n",
                    allocator.subject.name, mib(bytes(idle.peak_resident_pages)),
                    mib(bytes(idle.end_resident_pages)), mib(static_cast<double>(idle.live_bytes)));
    text += fmt::format("  by itself:        {}\n", course_text(idle, idle.untrimmed));
    text += fmt::format("  with malloc_trim: {}\n", course_text(idle, idle.trimmed));
  }
  return text;
}

std::string soak_text(const Result& result) {
  std::string text;
  for (const AllocatorResult& allocator : result.allocators) {
    if (!allocator.soak) continue;
    const SoakSeries& soak = *allocator.soak;
    text += fmt::format("{} in {} turns of {} events\n", allocator.subject.name,
                        soak.resident_bytes.size(), soak.events_per_turn);
    text += fmt::format("  resident, {} at last: {}\n", mib(soak.resident_bytes.back()),
                        drift_text(soak.resident));
    text += fmt::format("  CPU time, {:.1f} ns an event at last: {}\n",
                        soak.cpu_time_per_event_ns.back(), drift_text(soak.cpu_time));
  }
  return text;
}

}  // namespace replay
