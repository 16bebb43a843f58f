#include "core/mem/mem_heap.h"

#include "core/mem/mem_heap_impl.h"
#include "core/mem/run_heap_impl.h"
#include "core/mem/slab_heap_discard_impl.h"
#include "core/mem/slab_heap_fit_impl.h"
#include "core/mem/slab_heap_impl.h"
#include "core/mem/slab_heap_threads_impl.h"
#include "core/mem/slab_heap_waiting_impl.h"
#include "core/os/linux_pages.h"

namespace mem {

template class RunHeap<LinuxPages>;
template class SlabHeap<LinuxPages>;
template class MemHeap<LinuxPages>;

}  // namespace mem
