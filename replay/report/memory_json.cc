#include "replay/report/memory_json.h"

#include "replay/report/json.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

// The list if it is known, else why not.
void put(ordered_json& series, ordered_json& absent, const char* key, const KnownBytes& bytes) {
  if (bytes.why_absent.empty()) {
    series[key] = bytes.at;
  } else {
    absent[key] = bytes.why_absent;
  }
}

}  // namespace

ordered_json memory_json(const MemorySeries& memory) {
  ordered_json absent = ordered_json::object();
  ordered_json series = {{"samples", memory.event.size()},
                         {"page_size_bytes", memory.page_size_bytes},
                         {"event", memory.event},
                         {"requested_bytes", memory.total_allocated_bytes}};
  put(series, absent, "usable_bytes", memory.usable);
  series["mapped_bytes"] = memory.bytes_of(memory.mapped_pages);
  series["resident_bytes"] = memory.bytes_of(memory.total_pages);
  put(series, absent, "dirty_free_bytes", memory.dirty_free);
  series["huge_page_bytes"] = memory.huge_page_bytes;
  series["page_table_bytes"] = memory.page_table_bytes;
  series["absent"] = std::move(absent);
  return series;
}

ordered_json held_json(const HeldSplit& split) {
  ordered_json json = {{"event", split.event},
                       {"held_bytes", split.held_bytes},
                       {"requested_bytes", split.requested_bytes}};
  ordered_json absent = ordered_json::object();
  const std::pair<const char*, const KnownPart*> parts[] = {
      {"internal_bytes", &split.internal}, {"metadata_bytes", &split.metadata},
      {"caches_bytes", &split.caches},     {"external_bytes", &split.external},
      {"unsplit_bytes", &split.unsplit},   {"free_page_bytes", &split.free_pages}};
  for (const auto& [key, part] : parts) {
    if (part->why_absent.empty()) {
      json[key] = part->bytes;
    } else {
      absent[key] = part->why_absent;
    }
  }
  json["told_by"] = split.told_by.empty() ? ordered_json(nullptr) : ordered_json(split.told_by);
  json["absent"] = std::move(absent);
  return json;
}

ordered_json idle_json(const IdleSeries& idle) {
  const auto bytes = [&](double pages) {
    return std::llround(pages * static_cast<double>(idle.page_size_bytes));
  };
  ordered_json absent = ordered_json::object();
  ordered_json json = {{"after_ms", idle.after_ms},
                       {"peak_resident_bytes", bytes(idle.peak_resident_pages)},
                       {"end_resident_bytes", bytes(idle.end_resident_pages)},
                       {"live_bytes", idle.live_bytes},
                       {"back_share", kComeBackShare}};
  const auto put_course = [&](const char* key, const IdleCourse& course) {
    if (!course.why_absent.empty()) {
      absent[key] = course.why_absent;
      return;
    }
    ordered_json resident = ordered_json::array();
    for (const double pages : course.resident_pages) resident.push_back(bytes(pages));
    json[key] = {
        {"resident_bytes", std::move(resident)},
        {"back_after_ms", course.back_after_ms ? ordered_json(*course.back_after_ms) : nullptr}};
  };
  put_course("untrimmed", idle.untrimmed);
  put_course("trimmed", idle.trimmed);
  json["absent"] = std::move(absent);
  return json;
}

ordered_json soak_json(const SoakSeries& soak) {
  const auto drift_json = [](const Drift& drift, double tolerance) -> ordered_json {
    return {{"verdict", drift_verdict_name(drift.verdict)},
            {"tested_turns", drift.tested_turns},
            {"p_grows", drift.p_grows},
            {"growth", drift.growth},
            {"growth_interval", {drift.growth_interval.low, drift.growth_interval.high}},
            {"grows_by", tolerance}};
  };
  return {{"turns", soak.resident_bytes.size()},
          {"events_per_turn", soak.events_per_turn},
          {"closing_events", soak.closing_events},
          {"live_bytes", soak.live_bytes},
          {"resident_bytes", soak.resident_bytes},
          {"cpu_time_per_event_ns", soak.cpu_time_per_event_ns},
          {"resident_drift", drift_json(soak.resident, kPagesGrowBy)},
          {"cpu_time_drift", drift_json(soak.cpu_time, kTimeGrowsBy)}};
}

ordered_json heap_map_json(const HeapMap& map) {
  ordered_json json = {{"moment", map.moment}, {"event", map.event}};
  if (!map.why_absent.empty()) {
    json["absent"] = map.why_absent;
    return json;
  }
  ordered_json pages = {{"address", ordered_json::array()},
                        {"live_bytes", ordered_json::array()},
                        {"objects", ordered_json::array()},
                        {"resident", ordered_json::array()}};
  for (const HeapPage& page : map.pages) {
    pages["address"].push_back(page.address);
    pages["live_bytes"].push_back(page.live_bytes);
    pages["objects"].push_back(page.objects);
    pages["resident"].push_back(page.resident);
  }
  ordered_json free_runs = ordered_json::array();
  for (const PageRun& run : map.free_runs) {
    free_runs.push_back({{"address", run.address}, {"pages", run.pages}});
  }
  ordered_json sparse = ordered_json::array();
  for (const SparsePage& page : map.sparse) {
    ordered_json objects = ordered_json::array();
    for (const HeapObject& object : page.objects) {
      objects.push_back({{"birth_event", object.birth_event},
                         {"size_bytes", object.size_bytes},
                         {"address", object.address}});
    }
    sparse.push_back({{"address", page.address},
                      {"live_bytes", page.live_bytes},
                      {"objects", std::move(objects)}});
  }
  json["page_size_bytes"] = map.page_size_bytes;
  json["pages"] = std::move(pages);
  json["free_runs"] = std::move(free_runs);
  json["sparse_below_share"] = kSparseShare;
  json["sparse_pages"] = std::move(sparse);
  return json;
}

ordered_json fragmentation_json(const MemorySeries& memory) {
  ordered_json ratio = ordered_json::array();
  for (std::size_t i = 0; i < memory.event.size(); ++i) {
    ratio.push_back(number(memory.fragmentation(i)));
  }
  return {{"page_size_bytes", memory.page_size_bytes},
          {"event", memory.event},
          {"total_allocated_bytes", memory.total_allocated_bytes},
          {"total_pages", memory.total_pages},
          {"mapped_pages", memory.mapped_pages},
          {"fragmentation", ratio}};
}

}  // namespace replay
