// Counts the system calls by which an allocator gets and gives back memory, whichever allocator it
// is and however it calls the kernel: a seccomp filter turns them into SIGSYS, whose handler counts
// the call and makes it. Costs a signal for each call, so it belongs into an untimed pass.
//
// x86-64 only; for the whole process and for good. See seccomp(2), SECCOMP_RET_TRAP.
#pragma once

#include <cstdint>

#include "replay/engine/run_layout.h"

namespace replay {

// Starts counting into counts[MemoryCall], which must outlive the process. Returns false where the
// kernel or the machine cannot do it; then nothing has changed.
bool count_memory_calls(std::uint64_t* counts);

}  // namespace replay
