// The progress bar of a command that reads traces: a share of the bytes of files, or the events and
// bytes so far if one is a stream.
#pragma once

#include <utility>
#include <vector>

#include "replay/cli/progress_bar.h"
#include "replay/trace/reader.h"

namespace replay::cli {

class ReadProgress {
 public:
  // The readers outlive this.
  ReadProgress(std::vector<const TraceReader*> readers, bool enabled)
      : readers_(std::move(readers)), bar_(enabled) {}
  void update();

 private:
  std::vector<const TraceReader*> readers_;
  ProgressBar bar_;
};

}  // namespace replay::cli
