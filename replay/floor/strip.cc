#include "replay/floor/strip.h"

#include "replay/floor/lives.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

std::uint64_t align_up(std::uint64_t address, unsigned align_log2) {
  const std::uint64_t mask = (std::uint64_t{1} << align_log2) - 1;
  return (address + mask) & ~mask;
}

std::uint64_t align_down(std::uint64_t address, unsigned align_log2) {
  return address >> align_log2 << align_log2;
}

}  // namespace

void Strip::insert(std::uint64_t address, std::uint64_t size) {
  gaps_.emplace(address, size);
  by_size_.emplace(size, address);
}

void Strip::erase(Gaps::iterator gap) {
  by_size_.erase({gap->second, gap->first});
  gaps_.erase(gap);
}

std::uint64_t Strip::carve(Gaps::iterator gap, std::uint64_t address, std::uint64_t size) {
  const auto [begin, length] = *gap;
  erase(gap);
  if (address > begin) insert(begin, address - begin);
  const std::uint64_t rest = begin + length - (address + size);
  if (rest > 0) insert(address + size, rest);
  return address;
}

std::uint64_t Strip::take(std::uint64_t size, unsigned align_log2, std::uint32_t leaves) {
  const std::uint64_t address = find_place(size, align_log2, leaves);
  reschedule(address + size, leaves);
  return address;
}

void Strip::reschedule(std::uint64_t end, std::uint32_t leaves) {
  if (both_) leaves_[end] = leaves;
}

bool Strip::goes_high(std::uint64_t gap, std::uint32_t leaves) const {
  if (!both_) return false;
  const auto below = leaves_.find(gap);
  return below != leaves_.end() && leaves < below->second;
}

std::uint64_t Strip::find_place(std::uint64_t size, unsigned align_log2, std::uint32_t leaves) {
  // The smallest gaps that are large enough may all lie wrong for the alignment. Some are tried;
  // then comes a size in which it fits wherever the gap begins.
  constexpr int kTries = 8;
  auto fit = by_size_.lower_bound({size, 0});
  for (int tries = 0; fit != by_size_.end(); ++fit, ++tries) {
    if (tries == kTries) {
      fit = by_size_.lower_bound({size + (std::uint64_t{1} << align_log2) - 1, 0});
      if (fit == by_size_.end()) break;
    }
    const auto [length, begin] = *fit;
    const std::uint64_t low = align_up(begin, align_log2);
    if (low + size > begin + length) continue;
    const std::uint64_t high = align_down(begin + length - size, align_log2);
    return carve(gaps_.find(begin), goes_high(begin, leaves) ? high : low, size);
  }
  return take_at_top(size, align_log2);
}

std::uint64_t Strip::take_at_top(std::uint64_t size, unsigned align_log2) {
  std::uint64_t begin = top_;
  if (!gaps_.empty()) {
    const auto last = std::prev(gaps_.end());
    if (last->first + last->second == top_) {
      begin = last->first;
      erase(last);
    }
  }
  const std::uint64_t address = align_up(begin, align_log2);
  if (address + size > kMostLiveBytes / kGranuleBytes) {
    throw Error("the packing does not fit into any address space: alignments are too large");
  }
  if (address > begin) insert(begin, address - begin);
  top_ = address + size;
  return address;
}

void Strip::give_back(std::uint64_t address, std::uint64_t size) {
  if (both_) leaves_.erase(address + size);
  auto after = gaps_.lower_bound(address);
  if (after != gaps_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == address) {
      address = before->first;
      size += before->second;
      erase(before);
    }
  }
  if (after != gaps_.end() && after->first == address + size) {
    size += after->second;
    erase(after);
  }
  insert(address, size);
}

}  // namespace replay
