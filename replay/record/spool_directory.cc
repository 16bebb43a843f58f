#include "replay/record/spool_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <new>

#include "replay/record/stamp.h"
#include "replay/trace/error.h"

namespace replay {

namespace fs = std::filesystem;

namespace {

// The kernel strikes tsc from its list when it finds that cores disagree.
bool kernel_trusts_tsc() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/available_clocksource");
  for (std::string source; file >> source;) {
    if (source == "tsc") return true;
  }
  return false;
}

spool::ClockKind choose_clock() {
  return spool::processor_has_invariant_tsc() && kernel_trusts_tsc()
             ? spool::ClockKind::kTsc
             : spool::ClockKind::kMonotonicRaw;
}

// Ticks of so long a time, roughly: the library needs them to save disk, the merge cuts exactly.
std::uint64_t ticks_of(spool::ClockKind clock, std::uint64_t time_ns) {
  const spool::Calibration begin = spool::calibrate(clock);
  ::usleep(10'000);
  const spool::Calibration end = spool::calibrate(clock);
  const double ticks_per_ns = static_cast<double>(end.stamp - begin.stamp) /
                              static_cast<double>(end.monotonic_raw_ns - begin.monotonic_raw_ns);
  return static_cast<std::uint64_t>(static_cast<double>(time_ns) * ticks_per_ns);
}

void set_limits(spool::Control& control, const RecordOptions& options) {
  const RecordLimits& limits = options.limits;
  control.limit_events = limits.events;
  control.limit_spool_bytes = limits.spool_bytes;
  control.limit_ticks = spool::kNever;
  if (limits.time_ns != spool::kNever) {
    constexpr std::uint64_t kMarginNs = 1'000'000'000;  // the program starts later than now
    control.limit_ticks = ticks_of(control.clock, limits.time_ns / 100 * 101 + kMarginNs);
  }
  // So many that a window always has room for each thread's chunk and some more.
  if (options.keep_bytes != 0) {
    constexpr std::uint64_t kLeast = 4;
    control.keep_chunks = std::max(kLeast, options.keep_bytes / spool::kChunkBytes);
  }
}

void set_window(spool::Control& control, const RecordStart& start) {
  control.start_after_calls = start.calls;
  control.start_stamp = spool::kNever;
  control.window_end = spool::kNever;
  control.limit_stamp = spool::kNever;
  const std::uint64_t now = spool::read_stamp(control.clock);
  if (start.time_ns != 0) control.start_stamp = now + ticks_of(control.clock, start.time_ns);
  if (start.waits()) return;
  control.phase = spool::Phase::kRecording;
  if (control.limit_ticks != spool::kNever) control.limit_stamp = now + control.limit_ticks;
}

std::string make_directory(const std::string& trace_path) {
  std::string path = fs::absolute(trace_path).string() + ".spool.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw system_error(fmt::format("{}: cannot make the spool directory {}", trace_path, path));
  }
  return path;
}

}  // namespace

SpoolDirectory::SpoolDirectory(const std::string& trace_path, const RecordOptions& options)
    : path_(make_directory(trace_path)) {
  const std::string name = path_ + '/' + spool::kControlName;
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* page = MAP_FAILED;
  if (fd >= 0 && ::posix_fallocate(fd, 0, spool::kHeaderBytes) == 0) {
    page = ::mmap(nullptr, spool::kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (fd >= 0) ::close(fd);
  if (page == MAP_FAILED) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    throw Error(fmt::format("{}: cannot be made; check the disk and ulimit -f", name));
  }
  control_ = new (page) spool::Control{};
  control_->clock = choose_clock();
  set_limits(*control_, options);
  set_window(*control_, options.start);
  control_->sites = options.sites;
  control_->site_depth = options.site_depth;
  control_->residency = options.residency ? 1 : 0;
  control_->drains = options.keep_bytes == 0 ? 1 : 0;  // else threads use the oldest again
  control_->magic = spool::kControlMagic;
}

SpoolDirectory::~SpoolDirectory() {
  ::munmap(control_, spool::kHeaderBytes);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string SpoolDirectory::image_path(std::uint32_t index) const {
  return fmt::format("{}/{}{}", path_, spool::kImagePrefix, index);
}

std::string SpoolDirectory::drained_path(std::uint32_t index) const {
  return fmt::format("{}/{}{}", path_, spool::kDrainedPrefix, index);
}

std::string SpoolDirectory::stacks_path(std::uint32_t index) const {
  return fmt::format("{}/{}{}", path_, spool::kStacksPrefix, index);
}

}  // namespace replay
