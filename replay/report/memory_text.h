// What a result says of memory over time, for people.
#pragma once

#include <string>

#include "replay/report/result.h"

namespace replay {

// A line an allocator and course: what is held after the load fell, and when it came back. Empty
// without --idle.
std::string idle_text(const Result& result);

// Two lines an allocator: what grew from turn to turn, and how. Empty without --loop.
std::string soak_text(const Result& result);

}  // namespace replay
