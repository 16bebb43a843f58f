// What the kernel says about this process and its memory. Reads /proc/self without allocating.
#pragma once

#include <cstdint>

#include "replay/engine/memory_sample.h"

namespace replay {

// Resident anonymous memory and its huge pages, counted page by page by the kernel (smaps_rollup:
// exact on every kernel that has it; else by the counters of status), the size of the address space
// and of the page tables. Cost: tens of microseconds plus the walk over the page tables. Zeroes
// where /proc is missing. What only the account of live objects knows is left out.
MemorySample sample_memory();

// Threads of this process; 0 where /proc is missing.
std::uint64_t thread_count();

// Sets the high-water mark of resident memory to what is resident now (proc(5), clear_refs).
void reset_high_water();

// The high-water mark of resident memory in bytes (VmHWM).
std::uint64_t high_water_bytes();

}  // namespace replay
