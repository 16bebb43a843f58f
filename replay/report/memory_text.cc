#include "replay/report/memory_text.h"

#include <fmt/format.h>

#include "replay/report/footprint_floor.h"

namespace replay {
namespace {

std::string mib(double bytes) { return fmt::format("{:.2f} MiB", bytes / (1024 * 1024)); }

// "35.88 MiB (1.112 x the floor)", without the multiple if no floor is known.
std::string footprint(const Result& result, double pages, std::uint64_t page_size_bytes) {
  const std::string size = mib(pages * static_cast<double>(page_size_bytes));
  const auto multiple = of_floor(pages, "pages", Better::kLower, result.trace.floor_pages);
  return multiple ? fmt::format("{} ({} the floor)", size, of_floor_text(multiple)) : size;
}

std::string course_text(const Result& result, const IdleSeries& idle, const IdleCourse& course) {
  if (!course.why_absent.empty()) return course.why_absent;
  if (idle.peak_resident_pages == 0) return "nothing was held";
  std::string text;
  for (std::size_t i = 0; i < idle.after_ms.size(); ++i) {
    text += fmt::format("{}{} after {} ms", i == 0 ? "" : ", ",
                        footprint(result, course.resident_pages[i], idle.page_size_bytes),
                        idle.after_ms[i]);
  }
  if (course.back_after_ms) {
    return text + fmt::format("; came back within {} ms", *course.back_after_ms);
  }
  const double most_held = idle.peak_resident_pages * static_cast<double>(idle.page_size_bytes);
  const bool had_any = most_held > static_cast<double>(idle.live_bytes);
  return text + (had_any ? "; did not come back" : "; nothing to come back");
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
    text += fmt::format("{} idle: most held {}, at the last event {} with {} live\n",
                        allocator.subject.name,
                        footprint(result, idle.peak_resident_pages, idle.page_size_bytes),
                        footprint(result, idle.end_resident_pages, idle.page_size_bytes),
                        mib(static_cast<double>(idle.live_bytes)));
    text += fmt::format("  by itself:        {}\n", course_text(result, idle, idle.untrimmed));
    text += fmt::format("  with malloc_trim: {}\n", course_text(result, idle, idle.trimmed));
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
    const std::uint64_t page = allocator.memory.page_size_bytes;
    const double pages = soak.resident_bytes.back() / static_cast<double>(page);
    text += fmt::format("  resident, {} at last: {}\n", footprint(result, pages, page),
                        drift_text(soak.resident));
    text += fmt::format("  CPU time, {:.1f} ns an event at last: {}\n",
                        soak.cpu_time_per_event_ns.back(), drift_text(soak.cpu_time));
  }
  return text;
}

}  // namespace replay
