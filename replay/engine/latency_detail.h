// What a latency pass keeps beside the histograms by operation: histograms by operation, size class
// and circumstance, the longest calls, and the windows that do not count. Plain data in the run
// file, one a lane; a lane's own thread fills it.
#pragma once

#include <cstdint>

#include "replay/engine/size_class.h"
#include "replay/engine/tick_histogram.h"
#include "replay/trace/event.h"

namespace replay {

// Why the time of a window is not the allocator's.
enum class Disturbance : std::uint32_t {
  kNone,
  kPreempted,  // the kernel took the CPU away
  kMigrated,   // and gave another one
};
inline constexpr int kDisturbanceCount = 3;

constexpr const char* disturbance_name(Disturbance disturbance) {
  constexpr const char* kNames[kDisturbanceCount] = {"none", "preempted", "migrated"};
  return kNames[static_cast<int>(disturbance)];
}

struct LongCall {
  std::uint64_t ticks;
  std::uint64_t event;  // of the lane's measured events
  std::uint64_t size;   // requested; of a free, the limit of the object's size class
  Op op;
  bool special;  // see LatencyDetail
  Disturbance disturbance;
  std::uint32_t lane = 0;         // set by who reads it
  std::uint64_t trace_event = 0;  // likewise (event_numbers.h)
};

// The longest calls of a pass; a disturbed one, however long, only where no other wants the place.
// takes() costs a comparison or two, add() O(kMost).
struct LongCalls {
  static constexpr std::uint32_t kMost = 64;

  std::uint32_t count;
  std::uint32_t next_out;  // index of the one to give up first, when full
  LongCall calls[kMost];

  bool takes(std::uint64_t ticks, Disturbance disturbance) const {
    return count < kMost || outranks(ticks, disturbance, calls[next_out]);
  }
  // pre: takes(call.ticks, call.disturbance)
  void add(const LongCall& call) {
    calls[count < kMost ? count++ : next_out] = call;
    if (count < kMost) return;
    next_out = 0;
    for (std::uint32_t i = 1; i < kMost; ++i) {
      const LongCall& last = calls[next_out];
      if (outranks(last.ticks, last.disturbance, calls[i])) next_out = i;
    }
  }

 private:
  static bool outranks(std::uint64_t ticks, Disturbance disturbance, const LongCall& other) {
    const bool is_clean = disturbance == Disturbance::kNone;
    const bool is_other_clean = other.disturbance == Disturbance::kNone;
    return is_clean != is_other_clean ? is_clean : ticks > other.ticks;
  }
};

struct LatencyDetail {
  // [..][..][1], the special ones: of a free, the object was made by another thread than frees it;
  // of the others, the block has a page on which no object of the measured part stood before.
  ClassHistogram classes[kOpCount][kSizeClassCount][2];
  LongCalls longest;
  std::uint64_t disturbed[kDisturbanceCount];
  std::uint64_t disturbed_by_op[kOpCount];
  ClassHistogram disturbed_windows;
  bool preemptions_seen;  // the kernel lets us see them
  bool first_touch_known;
};

}  // namespace replay
