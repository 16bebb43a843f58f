#include "replay/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "replay/report/footprint_floor.h"

namespace replay {
namespace {

// What a person wants to see first; the JSON has everything.
constexpr std::array kShown = {
    "throughput_events_per_s",
    "latency_ns_malloc_p50",
    "latency_ns_malloc_p99",
    "latency_ns_malloc_p999",
    "latency_ns_calloc_p50",
    "latency_ns_realloc_p50",
    "latency_ns_free_p50",
    "latency_ns_free_p99",
    "latency_ns_free_p999",
    "response_ns_malloc_p50",
    "response_ns_malloc_p99",
    "response_ns_calloc_p50",
    "response_ns_calloc_p99",
    "response_ns_aligned_p50",
    "response_ns_aligned_p99",
    "response_ns_realloc_p50",
    "response_ns_realloc_p99",
    "response_ns_free_p50",
    "response_ns_free_p99",
    "peak_resident_pages",
    "fragmentation_at_peak_live",
    "fragmentation_at_peak_pages",
    "page_faults_minor",
    "calls_mmap",
    "calls_munmap",
    "calls_madvise",
    "calls_brk",
    "counter_instructions_per_event",
    "counter_instructions_malloc",
    "counter_instructions_calloc",
    "counter_instructions_aligned",
    "counter_instructions_realloc",
    "counter_instructions_free",
    "counter_cycles_per_event",
    "counter_cycles_malloc",
    "counter_cycles_calloc",
    "counter_cycles_aligned",
    "counter_cycles_realloc",
    "counter_cycles_free",
    "counter_cache_misses_per_event",
    "counter_dtlb_misses_per_event",
    "counter_branch_misses_per_event",
    "cost_instructions_per_event",
    "cost_instructions_malloc",
    "cost_instructions_calloc",
    "cost_instructions_aligned",
    "cost_instructions_realloc",
    "cost_instructions_free",
    "cost_page_faults",
    "cost_memory_calls",
    "cost_peak_resident_pages",
    "cost_system_calls",
};

const AllocatorResult* find(const Result& result, const std::string& name, mem::Binding binding) {
  for (const AllocatorResult& allocator : result.allocators) {
    if (allocator.subject.name == name && allocator.subject.binding == binding) return &allocator;
  }
  return nullptr;
}

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format("{:.3f} to {:.3f}", interval->low, interval->high) : "-";
}

std::string ratio_text(double ratio) {
  return std::isfinite(ratio) ? fmt::format("{:.3f}", ratio) : "-";
}

std::string figure_text(const Figure* figure) {
  if (figure == nullptr) return "-";
  const std::string value = short_number(figure->value);
  return figure->metric.unit == kShare ? value : value + ' ' + figure->metric.unit;
}

// Under a footprint; nothing under others.
std::string floor_row(const Result& result, const Figure& baseline, const Figure& subject) {
  const std::optional<std::uint64_t> floor = result.trace.floor_pages;
  const auto multiple = [&](const Figure& figure) {
    return of_floor(figure.value, figure.metric.unit, figure.metric.better, floor);
  };
  if (!multiple(subject)) return {};
  return fmt::format(
      "  {:<31} {:>18} {:>18}\n",
      fmt::format("  of the floor, {} pages", short_number(static_cast<double>(*floor))),
      of_floor_text(multiple(baseline)), of_floor_text(multiple(subject)));
}

// How far threads replayed at the same time; nothing of one thread.
std::string threads_rows(const Result& result, const std::vector<const AllocatorResult*>& sides) {
  std::string text;
  for (const AllocatorResult* side : sides) {
    const Figure* overlapped = side->find("threads_overlapped_share");
    const Figure* waited = side->find("threads_waited_ns");
    if (overlapped == nullptr || waited == nullptr) return {};
    text +=
        fmt::format("    under {} {:.1f} % of events overlapped, {:.3f} ms were waited in all\n",
                    side->subject.name, overlapped->value * 100, waited->value / 1e6);
  }
  const ThreadFacts& threads = result.threads;
  return fmt::format(
             "  {} threads, {} at once at most; {} edges between them, {} waits enforce all\n",
             threads.replayed, threads.at_once, threads.edges_found, threads.edges_enforced) +
         text;
}

std::string one_table(const Result& result, const Comparison& comparison) {
  const AllocatorResult* baseline = find(result, comparison.baseline, comparison.binding);
  const AllocatorResult* subject = find(result, comparison.subject, comparison.binding);
  std::string text =
      fmt::format("{} against {} ({}), {} repetitions\n", comparison.subject, comparison.baseline,
                  binding_name(comparison.binding), result.config.repetitions);
  text += fmt::format("  {:<31} {:>18} {:>18} {:>8}  {}\n", "", comparison.baseline,
                      comparison.subject, "ratio", "95 % interval");
  for (const char* key : kShown) {
    const auto compared =
        std::find_if(comparison.figures.begin(), comparison.figures.end(),
                     [&](const ComparedFigure& figure) { return figure.key == key; });
    if (compared == comparison.figures.end()) continue;
    text += fmt::format("  {:<31} {:>18} {:>18} {:>8}  {:<18} {}\n", key,
                        figure_text(baseline->find(key)), figure_text(subject->find(key)),
                        ratio_text(compared->ratio), interval_text(compared->interval),
                        verdict_name(compared->verdict));
    text += floor_row(result, *baseline->find(key), *subject->find(key));
  }
  text += threads_rows(result, {baseline, subject});
  for (const char* key : {"harness_cost_per_event_ns", "cost_harness_instructions_per_event"}) {
    const Figure* harness = subject->find(key);
    if (harness == nullptr) continue;
    text += fmt::format("  the replay itself costs {} {} per event\n", short_number(harness->value),
                        harness->metric.unit);
  }
  const Figure* failed = subject->find("failed_allocations");
  if (failed != nullptr && failed->value > 0) {
    text += fmt::format("  WARNING: {} refused {} allocations\n", comparison.subject,
                        short_number(failed->value));
  }
  return text;
}

}  // namespace

std::string short_number(double value) {
  if (!std::isfinite(value)) return "-";
  constexpr std::array kPrefixes = {"", " k", " M", " G", " T"};
  std::size_t prefix = 0;
  while (std::abs(value) >= 10000 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  const bool whole = prefix == 0 && value == std::floor(value);
  if (whole) return fmt::format("{:.0f}", value);
  const double size = std::abs(value);
  const int digits = size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, digits, kPrefixes[prefix]);
}

std::string comparison_tables(const Result& result) {
  std::string text;
  for (const Comparison& comparison : result.comparisons) {
    if (!text.empty()) text += '\n';
    text += one_table(result, comparison);
  }
  return text;
}

}  // namespace replay
