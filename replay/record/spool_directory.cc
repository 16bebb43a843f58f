#include "replay/record/spool_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

// A stamp surely behind the limit: the library stops there to save disk, the merge cuts exactly.
std::uint64_t stamp_after(spool::ClockKind clock, std::uint64_t time_ns) {
  if (time_ns == spool::kNever) return spool::kNever;
  const spool::Calibration begin = spool::calibrate(clock);
  ::usleep(10'000);
  const spool::Calibration end = spool::calibrate(clock);
  const double ticks_per_ns = static_cast<double>(end.stamp - begin.stamp) /
                              static_cast<double>(end.monotonic_raw_ns - begin.monotonic_raw_ns);
  constexpr double kMarginNs = 1e9;  // the program starts later than now
  return end.stamp + static_cast<std::uint64_t>((static_cast<double>(time_ns) * 1.01 + kMarginNs) *
                                                ticks_per_ns);
}

std::string make_directory(const std::string& trace_path) {
  std::string path = fs::absolute(trace_path).string() + ".spool.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw Error(fmt::format("{}: cannot make the spool directory {}: {}", trace_path, path,
                            std::strerror(errno)));
  }
  return path;
}

}  // namespace

SpoolDirectory::SpoolDirectory(const std::string& trace_path, const RecordLimits& limits)
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
    throw Error(fmt::format("{}: cannot be made; is the disk full?", name));
  }
  control_ = new (page) spool::Control{};
  control_->clock = choose_clock();
  control_->limit_events = limits.events;
  control_->limit_spool_bytes = limits.spool_bytes;
  control_->limit_stamp = stamp_after(control_->clock, limits.time_ns);
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

}  // namespace replay
