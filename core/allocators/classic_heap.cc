#include "core/allocators/named_heaps.h"

namespace mem {

constinit Heap<ClassicConfig> classic_heap;

}  // namespace mem
