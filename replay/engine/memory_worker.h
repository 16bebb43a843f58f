// The worker's passes that look at memory, compiled apart from those that take the time, so that
// neither has a say in how the other is compiled.
//
// For the worker: no C++ library.
#pragma once

#include "replay/engine/stage.h"

namespace replay {

// kMemory, kTrimmed, kSnapshot or kSoak, by the clock that the run header says. Returns false if
// there is no memory for it.
bool run_memory_pass(const Stage& stage);

}  // namespace replay
