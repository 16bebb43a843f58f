// Whether the kernel itself keeps time, or would, by the time-stamp counter: it watches the counter
// against other clocks and takes it off the list when it finds it wrong.
#pragma once

namespace replay {

// Whether "tsc" is a word of such a list.
bool names_tsc(const char* clock_sources);

// Reads the kernel's list. False where there is none. For the worker: does not allocate.
bool kernel_trusts_tsc();

}  // namespace replay
