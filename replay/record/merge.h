// From the records of many threads to the events of one trace: sorted by stamp, addresses made
// into objects, what does not fit together repaired and counted.
//
// Memory: one entry a thread and one a live object, however long the recording. O(records x
// log(threads)). Not thread-safe. The events satisfy what TraceWriter asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "replay/record/image.h"
#include "replay/record/spool.h"
#include "replay/trace/event.h"

namespace replay {

// Times of a recorded trace are multiples of this: finer than any think-time that a replay can
// keep, coarse enough that most times take one byte.
inline constexpr std::uint32_t kRecordTimeUnitNs = 100;

// Stamps to nanoseconds since `start`, by two moments that both clocks were read at.
class StampClock {
 public:
  StampClock(const spool::Calibration& start, const spool::Calibration& end);
  std::uint64_t nanoseconds(std::uint64_t stamp) const;  // 0 for stamps before the start

 private:
  std::uint64_t start_;
  double ns_per_tick_;
};

struct MergeLimits {
  std::uint64_t from_stamp =
      0;  // records before are left out; time 0 is there. 0: the clock's start
  std::uint64_t events = spool::kNever;
  std::uint64_t time_ns = spool::kNever;  // since time 0; events from here on are left out
  std::uint64_t stamp = spool::kNever;    // records from here on are left out
};

struct MergeCounts {
  std::uint64_t events = 0;
  std::uint64_t objects = 0;
  std::uint32_t threads = 0;
  std::uint64_t live_objects = 0;         // at the end
  std::uint64_t unmatched_frees = 0;      // of addresses whose birth was not recorded: left out
  std::uint64_t unmatched_reallocs = 0;   // likewise: became mallocs
  std::uint64_t synthesised_frees = 0;    // put in where an address was born again while live
  std::uint64_t unfinished_reallocs = 0;  // the program ended inside the call: left out
  std::uint64_t cut_events = 0;           // beyond the limits
  std::uint64_t earlier_events = 0;       // before from_stamp
  // Of objects born before from_stamp: left out, and a realloc becomes a malloc. Each address can
  // be one of them only until it is seen for the first time.
  std::uint64_t earlier_frees = 0;
  std::uint64_t earlier_reallocs = 0;
};

using EventSink = std::function<void(const Event&)>;

// An event's site is the number of its stack by first appearance, from 1; `sites` is given the word
// of the stacks file of each.
MergeCounts merge_streams(const std::vector<ThreadStream>& streams, const StampClock& clock,
                          const MergeLimits& limits, const EventSink& sink,
                          std::vector<std::uint64_t>* sites = nullptr);

}  // namespace replay
