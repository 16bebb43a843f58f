// Does a stream of events make sense: births in order, only live objects freed or resized, none to
// 0 bytes, threads numbered in order of appearance, time never decreasing, the counts those of the
// header.
//
// Not thread-safe. O(1) an event; memory is O(live objects). Stops judging at the first
// violation.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "replay/trace/event.h"
#include "replay/trace/header.h"
#include "replay/trace/object_map.h"
#include "replay/trace/reader.h"

namespace replay {

struct Validation {
  std::uint64_t events = 0;  // that are valid; a violation, if any, is at this index
  std::uint64_t objects = 0;
  std::uint64_t frees = 0;
  std::uint64_t reallocs = 0;
  std::uint32_t threads = 0;
  std::string violation;  // "" if there is none

  bool ok() const { return violation.empty(); }
  std::uint64_t live_at_end() const { return objects - frees; }
};

class Validator {
 public:
  // Returns false from the first violation on.
  bool feed(std::span<const Event> events);
  // The counts must be those of a complete header.
  void expect_counts(const TraceHeader& header);
  const Validation& result() const { return result_; }

 private:
  std::string violation_of(const Event& event) const;

  Validation result_;
  std::uint64_t last_time_ns_ = 0;
  struct Nothing {};
  ObjectMap<Nothing> live_;
};

// Reads from where `reader` stands, which is the start. Throws Error as the reader does. Counts are
// not compared with the header's if the trace is truncated.
Validation validate(TraceReader& reader);

}  // namespace replay
