// The process-wide instances of mem's named configs. Safe from any thread; constant-initialised.
#pragma once

#include "core/mem/heap.h"

namespace mem {

extern Heap<DefaultConfig> default_heap;
extern Heap<ClassicConfig> classic_heap;

}  // namespace mem
