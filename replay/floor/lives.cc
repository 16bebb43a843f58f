#include "replay/floor/lives.h"

#include <algorithm>

#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::size_t kMostLives = (std::size_t{1} << 31) - 1;  // two steps each, below kNever
constexpr unsigned kGranuleLog2 = 4;
// Of a larger alignment than an address space has, one address is as good as another.
constexpr unsigned kMostAlignLog2 = 47;

}  // namespace

std::uint32_t Lives::begin(std::uint64_t size_bytes, unsigned align_log2_bytes) {
  if (lives_.size() == kMostLives) {
    throw Error("more lives than can be packed; take a part of the trace with --events");
  }
  const auto life = static_cast<std::uint32_t>(lives_.size());
  const unsigned align_log2 = std::clamp(align_log2_bytes, kGranuleLog2, kMostAlignLog2);
  const std::uint64_t size = granules_of(size_bytes);
  live_ += size;
  if (live_ > kMostLiveBytes / kGranuleBytes) {
    throw Error("more bytes are live than any address space has; the trace is not valid");
  }
  lives_.emplace_back(size, align_log2 - kGranuleLog2);
  spans_.push_back({static_cast<std::uint32_t>(steps_.size()), kNever});
  steps_.emplace_back(life, true);
  if (live_ > load_) {
    load_ = live_;
    peak_step_ = steps_.size();
  }
  return life;
}

void Lives::end(std::uint32_t life) {
  live_ -= lives_[life].size();
  spans_[life].end = static_cast<std::uint32_t>(steps_.size());
  steps_.emplace_back(life, false);
}

}  // namespace replay
