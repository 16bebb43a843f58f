// The spool's directory beside the trace: made with its control page, removed with all it holds.
//
// Throws Error if it cannot be made. Not thread-safe.
#pragma once

#include <string>

#include "replay/record/spool.h"

namespace replay {

struct RecordLimits {
  std::uint64_t events = spool::kNever;       // events of the trace
  std::uint64_t spool_bytes = spool::kNever;  // disk that the recording needs while it runs
  std::uint64_t time_ns = spool::kNever;      // since the recording began
};

// When the recording begins; with none of it, in the program's first call.
struct RecordStart {
  std::uint64_t calls = 0;    // after about so many calls
  std::uint64_t time_ns = 0;  // after so long
  bool by_signal = false;     // only when a signal says so

  bool waits() const { return calls != 0 || time_ns != 0 || by_signal; }
};

struct RecordOptions {
  RecordLimits limits;
  RecordStart start;
  std::uint64_t keep_bytes = 0;  // of the spool: the oldest records go; 0 = all stay
  spool::SitesMode sites = spool::SitesMode::kOff;
  std::uint32_t site_depth = 0;
  bool residency = false;
};

class SpoolDirectory {
 public:
  // `trace_path`: the trace-to-be; the directory is made beside it.
  SpoolDirectory(const std::string& trace_path, const RecordOptions& options);
  ~SpoolDirectory();
  SpoolDirectory(const SpoolDirectory&) = delete;
  SpoolDirectory& operator=(const SpoolDirectory&) = delete;

  const std::string& path() const { return path_; }
  spool::Control& control() { return *control_; }
  std::string image_path(std::uint32_t index) const;
  std::string drained_path(std::uint32_t index) const;
  std::string stacks_path(std::uint32_t index) const;

 private:
  std::string path_;  // absolute
  spool::Control* control_ = nullptr;
};

}  // namespace replay
