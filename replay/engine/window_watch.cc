#include "replay/engine/window_watch.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

namespace replay {

ThreadSwitches::ThreadSwitches(const PerfKernel& kernel) : kernel_(kernel) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
  fd_ = kernel_.open(&attributes);
  if (fd_ < 0) return;
  // The kernel writes to the event's page whenever it puts the thread back on a CPU.
  void* page = ::mmap(nullptr, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), PROT_READ,
                      MAP_SHARED, fd_, 0);
  if (page != MAP_FAILED) page_ = static_cast<perf_event_mmap_page*>(page);
}

ThreadSwitches::~ThreadSwitches() {
  if (page_ != nullptr) ::munmap(page_, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  if (fd_ >= 0) kernel_.close(fd_);
}

int ThreadSwitches::cpu() const { return ::sched_getcpu(); }

std::uint64_t ThreadSwitches::preemptions() const {
  rusage usage;
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

}  // namespace replay
