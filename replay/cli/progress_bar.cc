#include "replay/cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace replay::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(bool enabled) : enabled_(enabled && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::update(double share, const std::string& what) {
  const Clock::time_point now = Clock::now();
  if (!enabled_ || now - start_ < 1s || now - last_ < 100ms) return;
  last_ = now;
  drawn_ = true;
  share = std::clamp(share, 0.0, 1.0);
  const int filled = static_cast<int>(share * kWidth);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string left =
      share > 0.02 ? fmt::format(", {:.0f} s left", elapsed / share - elapsed) : "";
  fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {:3.0f} %  {}{}\033[K", "", filled, "", kWidth - filled,
             share * 100, what, left);
  std::fflush(stderr);
}

}  // namespace replay::cli
