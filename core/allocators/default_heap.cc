#include "core/allocators/named_heaps.h"

namespace mem {

constinit Heap<DefaultConfig> default_heap;

}  // namespace mem
