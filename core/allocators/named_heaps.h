// The process-wide instances of mem's named configs. Safe from any thread; constant-initialised.
#pragma once

#include "core/allocators/default_heap.h"
#include "core/mem/heap.h"

namespace mem {

extern DefaultHeap default_heap;
extern Heap<ClassicConfig> classic_heap;

}  // namespace mem
