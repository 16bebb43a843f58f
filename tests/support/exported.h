// Exports to memory, for tests of exporters.
#pragma once

#include <string>
#include <vector>

#include "replay/trace/exporters/exporter.h"
#include "tests/support/random_trace.h"

namespace replay::test {

// The file that the exporter writes of these events.
inline std::string export_events(const Exporter& exporter, const std::vector<Event>& events,
                                 const TraceHeader& header = {}, const SiteTable& sites = {}) {
  const TempFolder folder;
  const std::string path = folder / "exported";
  const auto sink = exporter.open(path);
  sink->begin(header);
  for (const Event& event : events) sink->event(event);
  if (header.has_sites) sink->sites(sites);
  sink->finish(header.lost_events, header.provenance);
  return read_file(path);
}

// An event of every op, of two threads.
inline std::vector<Event> one_of_each() {
  return {
      {.time_ns = 0, .object = 0, .size = 24, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 10, .object = 1, .size = 120, .thread = 1, .op = Op::kCalloc},
      {.time_ns = 10, .object = 2, .size = 500, .thread = 1, .op = Op::kAligned, .align_log2 = 8},
      {.time_ns = 20, .object = 0, .size = 48, .thread = 1, .op = Op::kRealloc},
      {.time_ns = 30, .object = 1, .size = 0, .thread = 0, .op = Op::kFree}};
}

// One block's life, with call sites and touched pages.
inline std::vector<Event> with_extras() {
  return {{.object = 0, .size = 24, .op = Op::kMalloc, .site = 2},
          {.object = 0, .size = 48, .op = Op::kRealloc, .site = 1, .touched = 5},
          {.object = 0, .op = Op::kFree, .touched = 1}};
}

}  // namespace replay::test
