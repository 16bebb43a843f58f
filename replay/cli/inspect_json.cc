// What a trace is like, as JSON.
#include <fmt/format.h>

#include "replay/cli/inspect_report.h"
#include "replay/metrics/metric.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const LivePoint& point) {
  return {{"event", point.event},
          {"time_ns", point.time_ns},
          {"live_bytes", point.bytes},
          {"live_objects", point.objects}};
}

Json to_json(const Log2Histogram& histogram) {
  Json buckets = Json::array();
  for (int i = histogram.begin(); i < histogram.end(); ++i) {
    buckets.push_back({{"from", Log2Histogram::least(i)},
                       {"to", Log2Histogram::greatest(i)},
                       {"count", histogram.count(i)}});
  }
  return buckets;
}

Json to_json(const Resizes& resizes) {
  Json growth = Json::array();
  std::uint64_t from = 100;
  for (std::size_t i = 0; i < resizes.grown.size(); ++i) {
    const bool last = i == Resizes::kGrowthPercent.size();
    growth.push_back({{"above_percent", from},
                      {"to_percent", last ? Json() : Json(Resizes::kGrowthPercent[i])},
                      {"count", resizes.grown[i]}});
    if (!last) from = Resizes::kGrowthPercent[i];
  }
  return {{"objects", resizes.objects},
          {"shrunk", resizes.shrunk},
          {"same", resizes.same},
          {"grown_from_empty", resizes.from_empty},
          {"grown", growth},
          {"grown_bytes", resizes.grown_bytes},
          {"shrunk_bytes", resizes.shrunk_bytes},
          {"kept_bytes", resizes.kept_bytes},
          {"per_object", to_json(resizes.per_object)}};
}

Json alignments_of(const Summary& summary) {
  Json alignments = Json::array();
  for (std::size_t log2 = 0; log2 < summary.alignments.size(); ++log2) {
    if (summary.alignments[log2] == 0) continue;
    alignments.push_back(
        {{"alignment", std::uint64_t{1} << log2}, {"count", summary.alignments[log2]}});
  }
  return alignments;
}

Json frees_of(const Summary& summary) {
  Json frees = Json::array();
  for (const auto& [pair, count] : summary.frees) {
    frees.push_back({{"allocated_by", pair.first},
                     {"freed_by", pair.second},
                     {"objects", count.objects},
                     {"bytes", count.bytes}});
  }
  return frees;
}

Json stack_of(const SiteTable& table, std::uint32_t site) {
  const auto string_or_null = [&](std::uint32_t number) {
    return number == 0 ? Json() : Json(table.strings[number - 1]);
  };
  Json stack = Json::array();
  for (const SiteTable::Frame& frame : table.stack(site)) {
    stack.push_back(
        {{"text", table.text(frame)},
         {"function", string_or_null(frame.function)},
         {"file", string_or_null(frame.file)},
         {"line", frame.line == 0 ? Json() : Json(frame.line)},
         {"module", frame.module == 0 ? Json() : Json(table.modules[frame.module - 1].path)},
         {"offset", frame.offset}});
  }
  return stack;
}

// null of a trace without.
Json sites_of(const TraceReader& reader, const Summary& summary, std::size_t top) {
  if (!reader.header().has_sites) return {};
  Json result = {{"stacks", reader.sites().stacks.size()}, {"used", summary.sites.size()}};
  for (const Heat& heat : kHeats) {
    Json order = Json::array();
    for (const SiteUse& use : hottest(summary.sites, heat.measure, top)) order.push_back(use.site);
    result[heat.key] = order;
  }
  Json hot = Json::array();
  for (const SiteUse& use : hot_sites(summary, top)) {
    hot.push_back({{"site", use.site},
                   {"calls", use.calls},
                   {"requested_bytes", use.requested_bytes},
                   {"live_bytes_at_peak", use.live_bytes_at_peak},
                   {"live_objects_at_peak", use.live_objects_at_peak},
                   {"unfreed_bytes", use.unfreed_bytes},
                   {"unfreed_objects", use.unfreed_objects},
                   {"stack", stack_of(reader.sites(), use.site)}});
  }
  result["hot"] = hot;
  return result;
}

}  // namespace

Json inspection(const TraceReader& reader, const Summary& summary, std::size_t top) {
  const TraceHeader& header = reader.header();
  const std::uint64_t file_bytes = reader.bytes_total().value_or(reader.bytes_read());
  Json ops;
  for (int op = 0; op < kOpCount; ++op) {
    ops[op_name(static_cast<Op>(op))] = summary.by_op[static_cast<std::size_t>(op)];
  }
  Json curve = Json::array();
  for (const LivePoint& point : summary.curve) curve.push_back(to_json(point));
  Json bytes_per_event;  // null without events
  if (summary.events != 0) {
    bytes_per_event = static_cast<double>(file_bytes) / static_cast<double>(summary.events);
  }
  return {{"schema", "allocreplay-inspect"},
          {"schema_version", "1.2"},
          {"file",
           {{"path", reader.path()},
            {"bytes", file_bytes},
            {"format", fmt::format("{}.{}", header.version_major, header.version_minor)},
            {"streamed", header.streamed},
            {"complete", header.complete},
            {"truncation", reader.truncated() ? Json(reader.truncation()) : Json()},
            {"bytes_per_event", bytes_per_event},
            {"time_unit_ns", header.time_unit_ns},
            {"start_unix_ns", header.start_unix_ns},
            {"lost_events", header.lost_events}}},
          {"events", summary.events},
          {"ops", ops},
          {"duration_ns", summary.duration_ns},
          {"threads", summary.by_thread.size()},
          {"thread_events", summary.by_thread},
          {"cross_thread_frees", summary.cross_thread_frees},
          {"objects", summary.objects},
          {"requested_bytes", summary.requested_bytes},
          {"peak_bytes", to_json(summary.peak_bytes)},
          {"peak_objects", to_json(summary.peak_objects)},
          {"unfreed", {{"objects", summary.end.objects}, {"bytes", summary.end.bytes}}},
          {"sizes_bytes", to_json(summary.sizes)},
          {"alignments_bytes", alignments_of(summary)},
          {"lifetimes_events", to_json(summary.lifetimes_events)},
          {"lifetimes_ns", to_json(summary.lifetimes_ns)},
          {"resizes", to_json(summary.resizes)},
          {"frees_by_threads", frees_of(summary)},
          {"live_curve", curve},
          {"sites", sites_of(reader, summary, top)},
          {"provenance", header.provenance}};
}

}  // namespace replay::cli
