// The worker's passes with hardware counters: of the whole measured part, and around single calls.
//
// For the worker: no C++ library, no allocation.
#pragma once

#include "replay/engine/stage.h"

namespace replay {

// Each replays the whole plan. Returns false if there is no memory for the threads' stacks.
bool run_counters(const Stage& stage);
bool run_call_counters(const Stage& stage);

}  // namespace replay
