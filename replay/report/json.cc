#include "replay/report/json.h"

#include <cmath>

#include "replay/engine/still_clock.h"
#include "replay/report/compare.h"
#include "replay/report/footprint_floor.h"
#include "replay/report/latency_json.h"
#include "replay/report/memory_json.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

ordered_json interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return ordered_json::array({number(interval->low), number(interval->high)});
}

const char* better_name(Better better) {
  switch (better) {
    case Better::kLower:
      return "lower";
    case Better::kHigher:
      return "higher";
    case Better::kNone:
      return "none";
  }
  return "?";
}

ordered_json trace_json(const TraceFacts& trace) {
  return {{"path", trace.path},
          {"sha256", trace.sha256},
          {"format_version", std::to_string(trace.header.version_major) + "." +
                                 std::to_string(trace.header.version_minor)},
          {"events", trace.header.event_count},
          {"objects", trace.header.object_count},
          {"threads", trace.header.thread_count},
          {"lost_events", trace.header.lost_events},
          {"time_unit_ns", trace.header.time_unit_ns},
          {"first_event", trace.first_event},
          {"last_event", trace.last_event},
          {"peak_live_bytes", trace.live_bytes_peak},
          {"floor_pages", trace.floor_pages ? ordered_json(*trace.floor_pages) : ordered_json()},
          {"truncation",
           trace.truncation.empty() ? ordered_json(nullptr) : ordered_json(trace.truncation)},
          {"provenance", trace.header.provenance}};
}

ordered_json cost_json(const RunConfig& config) {
  if (config.counted_by.empty()) return nullptr;
  return {{"counted_by", config.counted_by},
          {"addresses_randomised", !config.addresses_fixed},
          {"clock_ns_per_plan_word", kStillClockNsPerWord}};
}

ordered_json timer_json(const RunConfig& config) {
  if (!config.timer_is_tsc) return nullptr;
  return *config.timer_is_tsc ? "tsc" : "clock_gettime";
}

ordered_json config_json(const Result& result) {
  const std::optional<std::uint64_t> window = result.config.plan_window_bytes;
  const bool one_for_all = result.trace.header.thread_count > 1 && result.threads.replayed == 1;
  return {{"repetitions", result.config.repetitions},
          {"passes", passes_json(result.config.passes)},
          {"cost", cost_json(result.config)},
          {"touch", touch_name(result.config.touch)},
          {"cpu", result.config.cpu},
          {"timer", timer_json(result.config)},
          {"percentiles", result.config.timer_is_tsc ? ordered_json("spread over the clock's steps")
                                                     : ordered_json()},
          {"threads_recorded", result.trace.header.thread_count},
          {"threads_replayed", result.threads.replayed},
          {"plan_streamed", window.has_value()},
          {"plan_window_bytes", window ? ordered_json(*window) : ordered_json()},
          {"plan_bytes", result.config.plan_bytes},
          {"threads", result.config.threads},
          {"threads_at_once", result.threads.at_once},
          {"edges_found", result.threads.edges_found},
          {"edges_enforced", result.threads.edges_enforced},
          {"concurrency", one_for_all ? "one thread replays the events of all in recorded order"
                          : result.threads.replayed > 1
                              ? "each thread replays its events at full speed, waiting for another "
                                "only before it frees, resizes or reuses what that one has not "
                                "made or freed yet"
                              : "one thread, as recorded"},
          {"pace", result.config.pace > 0 ? ordered_json(result.config.pace) : "max"},
          {"warmup_events", result.trace.first_event},
          {"confidence", kConfidence},
          {"same_within", kSameWithin}};
}

ordered_json metrics_json(const AllocatorResult& allocator,
                          std::optional<std::uint64_t> floor_pages) {
  ordered_json metrics = ordered_json::object();
  for (const Figure& figure : allocator.figures) {
    metrics[figure.metric.key] = {{"value", number(figure.value)},
                                  {"unit", figure.metric.unit},
                                  {"better", better_name(figure.metric.better)},
                                  {"interval", interval_json(figure.interval)},
                                  {"samples", numbers(figure.metric.samples)}};
    if (figure.metric.exact) metrics[figure.metric.key]["exact"] = true;
    const std::optional<double> multiple =
        of_floor(figure.value, figure.metric.unit, figure.metric.better, floor_pages);
    if (multiple) metrics[figure.metric.key]["of_floor"] = number(*multiple);
  }
  return metrics;
}

ordered_json histograms_json(const std::vector<std::pair<Op, LatencyHistogram>>& of_ops) {
  ordered_json histograms = ordered_json::object();
  for (const auto& [op, histogram] : of_ops) {
    ordered_json lower = ordered_json::array();
    ordered_json upper = ordered_json::array();
    ordered_json count = ordered_json::array();
    for (const LatencyBin& bin : histogram.bins) {
      lower.push_back(std::round(bin.lower_ns * 100) / 100);
      upper.push_back(std::round(bin.upper_ns * 100) / 100);
      count.push_back(bin.count);
    }
    histograms[op_name(op)] = {
        {"unit", "ns"}, {"lower", lower}, {"upper", upper}, {"count", count}};
  }
  return histograms;
}

ordered_json series_json(const AllocatorResult& allocator) {
  ordered_json series = ordered_json::object();
  if (!allocator.memory.event.empty()) {
    series["fragmentation"] = fragmentation_json(allocator.memory);
    series["memory"] = memory_json(allocator.memory);
    if (!allocator.idle.after_ms.empty()) series["idle"] = idle_json(allocator.idle);
    for (const HeapMap& map : allocator.heap_maps) {
      series["heap_map"].push_back(heap_map_json(map));
    }
    if (allocator.soak) series["soak"] = soak_json(*allocator.soak);
    if (allocator.held_at_peak) series["held_at_peak"] = held_json(*allocator.held_at_peak);
  }
  if (!allocator.latencies.empty()) {
    series["latency_histogram"] = histograms_json(allocator.latencies);
    series["latency_by_class"] = latency_by_class_json(allocator.latency_classes);
    series["latency_worst"] = latency_worst_json(allocator.latency_classes);
    series["latency_disturbed"] = latency_disturbed_json(allocator.latency_classes);
  }
  if (!allocator.responses.empty()) {
    series["response_histogram"] = histograms_json(allocator.responses);
  }
  return series;
}

ordered_json allocator_json(const AllocatorResult& allocator,
                            std::optional<std::uint64_t> floor_pages) {
  const Subject& subject = allocator.subject;
  return {
      {"allocator", subject.name},
      {"binding", binding_name(subject.binding)},
      {"library", subject.library.empty() ? ordered_json(nullptr) : ordered_json(subject.library)},
      {"metrics", metrics_json(allocator, floor_pages)},
      {"series", series_json(allocator)}};
}

ordered_json comparison_json(const Comparison& comparison) {
  ordered_json metrics = ordered_json::object();
  for (const ComparedFigure& figure : comparison.figures) {
    metrics[figure.key] = {{"ratio", number(figure.ratio)},
                           {"interval", interval_json(figure.interval)},
                           {"verdict", verdict_name(figure.verdict)}};
  }
  return {{"baseline", comparison.baseline},
          {"subject", comparison.subject},
          {"binding", binding_name(comparison.binding)},
          {"metrics", metrics}};
}

}  // namespace

ordered_json passes_json(const std::vector<Pass>& passes) {
  ordered_json names = ordered_json::array();
  for (const Pass pass : passes) names.push_back(pass_name(pass));
  return names;
}

ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json numbers(const std::vector<double>& values) {
  ordered_json array = ordered_json::array();
  for (const double value : values) array.push_back(number(value));
  return array;
}

ordered_json to_json(const Result& result) {
  ordered_json results = ordered_json::array();
  for (const AllocatorResult& allocator : result.allocators) {
    results.push_back(allocator_json(allocator, result.trace.floor_pages));
  }
  ordered_json comparisons = ordered_json::array();
  for (const Comparison& comparison : result.comparisons) {
    comparisons.push_back(comparison_json(comparison));
  }
  return {{"schema", kSchemaName},         {"schema_version", kSchemaVersion},
          {"context", result.context},     {"trace", trace_json(result.trace)},
          {"config", config_json(result)}, {"results", results},
          {"comparison", comparisons}};
}

std::string as_utf8(const std::string& text) {
  const ordered_json value = text;
  return ordered_json::parse(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

std::string document_text(const ordered_json& document) {
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace replay
