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
  std::uint64_t time_ns = spool::kNever;      // since the program's first call
};

class SpoolDirectory {
 public:
  // `trace_path`: the trace-to-be; the directory is made beside it.
  SpoolDirectory(const std::string& trace_path, const RecordLimits& limits);
  ~SpoolDirectory();
  SpoolDirectory(const SpoolDirectory&) = delete;
  SpoolDirectory& operator=(const SpoolDirectory&) = delete;

  const std::string& path() const { return path_; }
  spool::Control& control() { return *control_; }
  std::string image_path(std::uint32_t index) const;

 private:
  std::string path_;  // absolute
  spool::Control* control_ = nullptr;
};

}  // namespace replay
