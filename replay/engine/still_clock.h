// The clock that a worker's allocator sees while its cost is counted: time that passes with the
// plan and not with the machine, so that an allocator that gives memory back by the clock does the
// same work in every run.
//
// The functions stand in a library of its own (liballocclock.so), which the launcher preloads; the
// worker finds advance_still_clock by its name. Not thread-safe.
#pragma once

#include <cstdint>

namespace replay {

inline constexpr const char* kStillClockLibrary = "liballocclock.so";
inline constexpr const char* kStillClockFunction = "allocreplay_advance_still_clock";
using AdvanceStillClock = void (*)(std::uint64_t to_ns);  // since the clock's beginning

// About what a call takes when the plan runs at full speed.
inline constexpr std::uint64_t kStillClockNsPerWord = 100;

}  // namespace replay
