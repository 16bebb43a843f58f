// A progress bar on stderr, for a person at a terminal and for work that lasts: it appears after
// one second and is wiped when done. Silent when stderr is not a terminal.
#pragma once

#include <chrono>
#include <string>

namespace replay::cli {

class ProgressBar {
 public:
  explicit ProgressBar(bool enabled);
  ~ProgressBar();  // wipes the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // share: 0 to 1. Draws at most ten times a second.
  void update(double share, const std::string& what);
  // For work whose end is not known.
  void update_open(const std::string& what);

 private:
  bool is_due();

  using Clock = std::chrono::steady_clock;
  bool enabled_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

}  // namespace replay::cli
