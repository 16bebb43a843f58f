#include "core/mem/block_heap.h"

#include "core/mem/block_heap_check.h"
#include "core/mem/block_heap_impl.h"

namespace mem {

template class BlockHeap<ClassicConfig, LinuxPages>;
template class BlockHeap<SegregatedConfig, LinuxPages>;

}  // namespace mem
