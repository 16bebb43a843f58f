// What a trace file says of itself: counts, losses and provenance. Byte layout: traces/README.md.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace replay {

struct TraceHeader {
  std::uint16_t version_major = 1;
  std::uint16_t version_minor = 0;
  std::uint32_t time_unit_ns = 1;   // times are rounded down to multiples of this
  std::uint64_t start_unix_ns = 0;  // wall clock at time 0; 0 if unknown
  bool has_sites = false;           // events name the stack that called
  bool has_touched = false;         // frees and reallocs say how much of the block was touched
  bool streamed = false;            // what follows stands at the end: known to who has read that
  std::uint64_t event_count = 0;    // the rest is written by finish()
  std::uint64_t object_count = 0;
  std::uint32_t thread_count = 0;
  std::uint64_t lost_events = 0;  // calls made but not recorded, as far as the recorder knows
  bool complete = false;          // the writer finished
  // {"command": [...], "host": {...}, "libraries": {...}, "date": "...", "recorder": {...},
  //  "losses": {...}, ...}; free-form, for people and scripts.
  nlohmann::ordered_json provenance = nlohmann::ordered_json::object();
};

}  // namespace replay
