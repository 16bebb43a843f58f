#include "core/mem/mem_heap.h"

#include "core/mem/block_heap_check.h"
#include "core/mem/block_heap_impl.h"
#include "core/mem/mem_heap_impl.h"
#include "core/mem/run_heap_impl.h"
#include "core/mem/slab_heap_impl.h"
#include "core/os/linux_pages.h"

namespace mem {

template class BlockHeap<MediumConfig, RunPages<LinuxPages>>;
template class RunHeap<LinuxPages>;
template class SlabHeap<LinuxPages>;
template class MemHeap<LinuxPages>;

}  // namespace mem
