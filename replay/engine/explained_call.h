// What happened inside one call of a replay, by the kernel's counters around it. Plain data in the
// run file: the request (which event) and the answer.
#pragma once

#include <cstdint>

#include "replay/engine/memory_call.h"

namespace replay {

struct ExplainedCall {
  std::uint64_t event;  // request: of the lane's measured events
  std::uint32_t lane;   // request
  bool seen;            // the rest is filled in
  std::uint64_t ticks;  // longer than undisturbed: each call for memory is trapped and counted
  std::uint64_t page_faults;
  std::uint64_t waits;        // switched off to wait
  std::uint64_t preemptions;  // switched off although it had work to do
  std::uint64_t memory_calls[kMemoryCallCount];
};

}  // namespace replay
