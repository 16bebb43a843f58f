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

bool ProgressBar::is_due() {
  if (!enabled_) return false;
  const Clock::time_point now = Clock::now();
  if (now - start_ < 1s || now - last_ < 100ms) return false;
  last_ = now;
  drawn_ = true;
  return true;
}

void ProgressBar::update(double share, const std::string& what) {
  if (!is_due()) return;
  share = std::clamp(share, 0.0, 1.0);
  const int filled = static_cast<int>(share * kWidth);
  const double elapsed = std::chrono::duration<double>(last_ - start_).count();
  const std::string left =
      share > 0.02 ? fmt::format(", {:.0f} s left", elapsed / share - elapsed) : "";
  fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {:3.0f} %  {}{}\033[K", "", filled, "", kWidth - filled,
             share * 100, what, left);
  std::fflush(stderr);
}

void ProgressBar::update_open(const std::string& what) {
  if (!is_due()) return;
  fmt::print(stderr, "\r{}, {:.0f} s\033[K", what,
             std::chrono::duration<double>(last_ - start_).count());
  std::fflush(stderr);
}

}  // namespace replay::cli
