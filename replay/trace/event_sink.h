// Where a stream of events goes: a trace file, or a file of another tool's format.
#pragma once

#include <cstdint>

#include "replay/trace/event.h"
#include "replay/trace/header.h"
#include "replay/trace/site_table.h"

namespace replay {

// Calls come in this order: begin once, event for each, sites once if the header has_sites, finish
// once. Without finish() nothing is left behind. All of them throw Error where they cannot write.
class EventSink {
 public:
  EventSink() = default;
  virtual ~EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;

  // time_unit_ns, start_unix_ns, has_sites and has_touched are final; counts and provenance come
  // with finish().
  virtual void begin(const TraceHeader& header) = 0;
  // pre: what TraceWriter::append asks for.
  virtual void event(const Event& event) = 0;
  // Formats that do not hold call sites leave them out.
  virtual void sites(const SiteTable&) {}
  virtual void finish(std::uint64_t lost_events, const nlohmann::ordered_json& provenance) = 0;
};

}  // namespace replay
