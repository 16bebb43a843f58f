#include "replay/engine/perf_counters.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace replay {
namespace {

struct Kind {
  std::uint32_t type;
  std::uint64_t config;
};

constexpr std::uint64_t kDtlbReadMisses = PERF_COUNT_HW_CACHE_DTLB |
                                          (PERF_COUNT_HW_CACHE_OP_READ << 8) |
                                          (PERF_COUNT_HW_CACHE_RESULT_MISS << 16);

constexpr Kind kKinds[kCounterCount] = {
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {PERF_TYPE_HW_CACHE, kDtlbReadMisses},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
};

int real_open(perf_event_attr* attributes) {
  return static_cast<int>(
      ::syscall(SYS_perf_event_open, attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}
long real_read(int fd, void* buffer, std::size_t bytes) { return ::read(fd, buffer, bytes); }
int real_control(int fd, unsigned long request) { return ::ioctl(fd, request, 0); }
std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
const perf_event_mmap_page* real_map(int fd) {
  void* page = ::mmap(nullptr, page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
  return page == MAP_FAILED ? nullptr : static_cast<const perf_event_mmap_page*>(page);
}
void real_unmap(const perf_event_mmap_page* page) {
  ::munmap(const_cast<perf_event_mmap_page*>(page), page_bytes());
}
void real_close(int fd) { ::close(fd); }

}  // namespace

const PerfKernel kRealPerfKernel = {real_open, real_read,  real_control,
                                    real_map,  real_unmap, real_close};

int open_counter(Counter counter, CounterOf whom, const PerfKernel& kernel) {
  const Kind& kind = kKinds[static_cast<int>(counter)];
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = kind.type;
  attributes.config = kind.config;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attributes.disabled = 1;
  attributes.inherit = whom == CounterOf::kProcess ? 1 : 0;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return kernel.open(&attributes);
}

PerfCounters::PerfCounters(unsigned wanted, const PerfKernel& kernel) : kernel_(kernel) {
  for (int i = 0; i < kCounterCount; ++i) {
    const bool is_wanted = (wanted & (1U << i)) != 0;
    fds_[i] = is_wanted ? open_counter(static_cast<Counter>(i), CounterOf::kProcess, kernel_) : -1;
  }
}

PerfCounters::~PerfCounters() {
  for (const int fd : fds_) {
    if (fd >= 0) kernel_.close(fd);
  }
}

void PerfCounters::start() const {
  for (const int fd : fds_) {
    if (fd >= 0) kernel_.control(fd, PERF_EVENT_IOC_ENABLE);
  }
}

void PerfCounters::stop() const {
  for (const int fd : fds_) {
    if (fd >= 0) kernel_.control(fd, PERF_EVENT_IOC_DISABLE);
  }
}

CounterReading PerfCounters::read(Counter counter) const {
  struct {
    std::uint64_t value;
    std::uint64_t enabled_ns;
    std::uint64_t running_ns;
  } raw = {};
  const int fd = fds_[static_cast<int>(counter)];
  if (fd < 0 || kernel_.read(fd, &raw, sizeof(raw)) != sizeof(raw) || raw.running_ns == 0) {
    return {};
  }
  const double share = static_cast<double>(raw.running_ns) / static_cast<double>(raw.enabled_ns);
  if (raw.running_ns >= raw.enabled_ns) return {true, raw.value, 1.0};
  return {true, static_cast<std::uint64_t>(static_cast<double>(raw.value) / share), share};
}

bool perf_counts_instructions(const PerfKernel& kernel) {
  const PerfCounters counters(counter_bit(Counter::kInstructions), kernel);
  if (!counters.has(Counter::kInstructions)) return false;
  counters.start();
  constexpr unsigned kSteps = 1000;
  for (unsigned i = 0; i < kSteps; ++i) asm volatile("" : "+r"(i));  // keeps the loop
  counters.stop();
  const CounterReading reading = counters.read(Counter::kInstructions);
  return reading.counted && reading.value >= kSteps;
}

}  // namespace replay
