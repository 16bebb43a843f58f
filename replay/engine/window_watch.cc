#include "replay/engine/window_watch.h"

#include <sys/resource.h>

namespace replay {

ThreadSwitches::ThreadSwitches(const PerfKernel& kernel) : kernel_(kernel) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
  attributes.exclude_kernel = 1;  // else most users may not; nothing is counted but the page moves
  attributes.exclude_hv = 1;
  fd_ = kernel_.open(&attributes);
  if (fd_ < 0) return;
  // The kernel writes to the event's page whenever it puts the thread back on a CPU.
  page_ = kernel_.map(fd_);
}

ThreadSwitches::~ThreadSwitches() {
  if (page_ != nullptr) kernel_.unmap(page_);
  if (fd_ >= 0) kernel_.close(fd_);
}

std::uint64_t ThreadSwitches::preemptions() const {
  rusage usage;
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

}  // namespace replay
