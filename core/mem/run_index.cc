#include "core/mem/run_index.h"

#include <bit>

#include "core/base/bits.h"

namespace mem {
namespace {

// The bits at which `length` set bits begin, as far as they end in the word. pre: 0 < length <= 64.
constexpr std::uint64_t starts_of(std::uint64_t word, std::size_t length) noexcept {
  std::size_t known = 1;  // each bit of `word` begins that many
  while (known < length) {
    const std::size_t step = length - known < known ? length - known : known;
    word &= word >> step;
    known += step;
  }
  return word;
}

constexpr std::uint32_t longest_in(std::uint64_t word) noexcept {
  if (word == 0) return 0;
  if (word == ~std::uint64_t{0}) return 64;
  // Double the length while any such run is left, then halve the step.
  std::uint32_t length = 1;
  std::uint32_t step = 1;
  for (std::uint64_t twice = word & word >> 1; twice != 0; twice = word & word >> step) {
    word = twice;
    length *= 2;
    step = length;
  }
  while ((step /= 2) != 0) {
    if (const std::uint64_t more = word & word >> step; more != 0) {
      word = more;
      length += step;
    }
  }
  return length;
}

constexpr RunIndex::Summary summarize_chunk(std::uint64_t word) noexcept {
  return {static_cast<std::uint32_t>(std::countr_one(word)), longest_in(word),
          static_cast<std::uint32_t>(std::countl_one(word))};
}

}  // namespace

void RunIndex::init(std::size_t pages, std::uint64_t* bits, Summary* summaries) noexcept {
  bits_ = bits;
  std::size_t count = pages / kChunkPages;
  std::size_t span = kChunkPages;
  for (Level& level : levels_) {
    level = Level{summaries, count, span};
    summaries += count;
    count = (count + kFanOut - 1) / kFanOut;
    span *= kFanOut;
  }
  level_count_ = 1;
  top_count_ = 0;
}

void RunIndex::reach(std::size_t pages) noexcept {
  while ((pages + levels_[level_count_ - 1].span - 1) / levels_[level_count_ - 1].span > kFanOut) {
    const Level& level = levels_[level_count_];
    for (std::size_t node = 0; node * kFanOut < top_count_; ++node) {
      level.nodes[node] = summarize_children(level_count_, node);
    }
    ++level_count_;
    top_count_ = (top_count_ + kFanOut - 1) / kFanOut;
  }
  top_count_ = (pages + levels_[level_count_ - 1].span - 1) / levels_[level_count_ - 1].span;
}

std::size_t RunIndex::find(std::size_t pages) const noexcept {
  unsigned level = level_count_ - 1;
  std::size_t node = 0;
  std::size_t end = top_count_;
  std::size_t before = 0;  // free pages that end where `node` starts
  while (node < end) {
    const Level& here = levels_[level];
    const Summary& summary = here.nodes[node];
    if (before + summary.start >= pages) return node * here.span - before;
    if (summary.max >= pages) {
      if (level == 0) {
        const std::uint64_t starts = starts_of(bits_[node], pages);
        return node * kChunkPages + static_cast<std::size_t>(std::countr_zero(starts));
      }
      --level;
      node *= kFanOut;
      end = node + kFanOut < levels_[level].count ? node + kFanOut : levels_[level].count;
      continue;
    }
    before = summary.start == here.span ? before + here.span : summary.end;
    ++node;
  }
  return kNone;
}

RunIndex::Summary RunIndex::summarize_children(unsigned level, std::size_t node) const noexcept {
  const Level& below = levels_[level - 1];
  const std::size_t first = node * kFanOut;
  const std::size_t end = first + kFanOut < below.count ? first + kFanOut : below.count;
  const auto span = static_cast<std::uint32_t>(below.span);
  std::uint32_t longest = 0;
  std::uint32_t run = 0;  // free pages that end where the child starts
  for (std::size_t i = first; i < end; ++i) {
    const Summary& child = below.nodes[i];
    const std::uint32_t across = run + child.start;
    longest = across > longest ? across : longest;
    longest = child.max > longest ? child.max : longest;
    run = child.start == span ? across : child.end;
  }
  std::size_t leading = first;
  while (leading < end && below.nodes[leading].start == span) ++leading;
  std::uint32_t start = static_cast<std::uint32_t>(leading - first) * span;
  if (leading < end) start += below.nodes[leading].start;
  return Summary{start, longest, run};
}

void RunIndex::update(std::size_t first, std::size_t last) noexcept {
  bool changed = false;
  for (std::size_t chunk = first; chunk <= last; ++chunk) {
    const Summary now = summarize_chunk(bits_[chunk]);
    changed |= !(now == levels_[0].nodes[chunk]);
    levels_[0].nodes[chunk] = now;
  }
  for (unsigned level = 1; changed && level < level_count_; ++level) {
    first /= kFanOut;
    last /= kFanOut;
    changed = false;
    for (std::size_t node = first; node <= last; ++node) {
      const Summary now = summarize_children(level, node);
      changed |= !(now == levels_[level].nodes[node]);
      levels_[level].nodes[node] = now;
    }
  }
}

void RunIndex::set(std::size_t first, std::size_t pages, bool free) noexcept {
  for_each_word(first, pages, [&](std::size_t word, std::uint64_t mask) {
    bits_[word] = free ? bits_[word] | mask : bits_[word] & ~mask;
    return true;
  });
  free_pages_ = free ? free_pages_ + pages : free_pages_ - pages;
  update(first / kChunkPages, (first + pages - 1) / kChunkPages);
}

bool RunIndex::are_free(std::size_t first, std::size_t pages) const noexcept {
  return free_from(first, pages) == pages;
}

std::size_t RunIndex::free_from(std::size_t first, std::size_t limit) const noexcept {
  const std::size_t window = levels_[0].count * kChunkPages;
  if (limit > window - first) limit = window - first;
  std::size_t found = 0;
  while (found < limit) {
    const std::size_t page = first + found;
    const auto from = static_cast<unsigned>(page % 64);
    const auto ones = static_cast<unsigned>(std::countr_one(bits_[page / 64] >> from));
    found += ones;
    if (ones < 64 - from) break;
  }
  return found < limit ? found : limit;
}

std::size_t RunIndex::free_before(std::size_t page) const noexcept {
  std::size_t found = 0;
  while (found < page) {
    const std::size_t last = page - found - 1;
    const auto above = static_cast<unsigned>(63 - last % 64);
    const auto ones = static_cast<unsigned>(std::countl_one(bits_[last / 64] << above));
    found += ones;
    if (ones < 64 - above) break;
  }
  return found;
}

std::size_t RunIndex::longest() const noexcept {
  const Level& top = levels_[level_count_ - 1];
  std::size_t longest = 0;
  std::size_t across = 0;
  for (std::size_t node = 0; node < top_count_; ++node) {
    const Summary& summary = top.nodes[node];
    if (across + summary.start > longest) longest = across + summary.start;
    if (summary.max > longest) longest = summary.max;
    across = summary.start == top.span ? across + top.span : summary.end;
  }
  return longest;
}

int RunIndex::check(std::size_t pages) const noexcept {
  std::size_t count = (pages + kChunkPages - 1) / kChunkPages;
  for (std::size_t chunk = 0; chunk < count; ++chunk) {
    if (!(levels_[0].nodes[chunk] == summarize_chunk(bits_[chunk]))) return 101;
  }
  for (unsigned level = 1; level < level_count_; ++level) {
    count = (count + kFanOut - 1) / kFanOut;
    for (std::size_t node = 0; node < count; ++node) {
      if (!(levels_[level].nodes[node] == summarize_children(level, node))) return 102;
    }
  }
  return 0;
}

}  // namespace mem
