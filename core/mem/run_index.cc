#include "core/mem/run_index.h"

namespace mem {
namespace {

constexpr std::size_t kWordsPerChunk = RunIndex::kChunkPages / 64;

// The bits [from, from + count) of a word.
constexpr std::uint64_t mask_of(unsigned from, std::size_t count) noexcept {
  return (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1) << from;
}

// Calls visit(is_free, length) for each stretch of equal bits in a chunk, in order, a stretch ending
// at each word's end; stops when visit answers false.
template <class Visit>
void for_each_stretch(const std::uint64_t* words, Visit visit) noexcept {
  for (std::size_t w = 0; w < kWordsPerChunk; ++w) {
    std::uint64_t rest = words[w];
    unsigned left = 64;
    while (left != 0) {
      const bool is_free = (rest & 1) != 0;
      const auto same = static_cast<unsigned>(std::countr_zero(is_free ? ~rest : rest));
      const unsigned length = same < left ? same : left;
      if (!visit(is_free, length)) return;
      left -= length;
      rest = length == 64 ? 0 : rest >> length;
    }
  }
}

}  // namespace

void RunIndex::init(std::size_t pages, std::uint64_t* bits, Summary* summaries) noexcept {
  bits_ = bits;
  std::size_t count = pages / kChunkPages;
  std::size_t span = kChunkPages;
  level_count_ = 0;
  for (;;) {
    levels_[level_count_++] = Level{summaries, count, span};
    if (count <= kFanOut) break;
    summaries += count;
    count = (count + kFanOut - 1) / kFanOut;
    span *= kFanOut;
  }
}

std::size_t RunIndex::find(std::size_t pages) const noexcept {
  unsigned level = level_count_ - 1;
  std::size_t node = 0;
  std::size_t end = levels_[level].count;
  std::size_t before = 0;  // free pages that end where `node` starts
  while (node < end) {
    const Level& here = levels_[level];
    const Summary& summary = here.nodes[node];
    if (before + summary.start >= pages) return node * here.span - before;
    if (summary.max >= pages) {
      if (level == 0) return scan_chunk(node, pages);
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

// pre: the chunk holds such a run.
std::size_t RunIndex::scan_chunk(std::size_t chunk, std::size_t pages) const noexcept {
  std::size_t position = chunk * kChunkPages;
  std::size_t run = 0;
  for_each_stretch(bits_ + chunk * kWordsPerChunk, [&](bool is_free, unsigned length) {
    run = is_free ? run + length : 0;
    position += length;
    return run < pages;
  });
  return position - run;
}

RunIndex::Summary RunIndex::summarize_chunk(std::size_t chunk) const noexcept {
  const std::uint64_t* words = bits_ + chunk * kWordsPerChunk;
  std::uint64_t any = 0;
  std::uint64_t all = ~std::uint64_t{0};
  for (std::size_t w = 0; w < kWordsPerChunk; ++w) {
    any |= words[w];
    all &= words[w];
  }
  if (any == 0) return Summary{0, 0, 0};
  if (all == ~std::uint64_t{0}) return Summary{kChunkPages, kChunkPages, kChunkPages};
  Summary summary{0, 0, 0};
  std::uint32_t run = 0;
  bool is_first = true;
  for_each_stretch(words, [&](bool is_free, unsigned length) {
    if (is_free) {
      run += length;
      if (run > summary.max) summary.max = run;
    } else {
      if (is_first) summary.start = run;
      is_first = false;
      run = 0;
    }
    return true;
  });
  summary.end = run;
  return summary;
}

RunIndex::Summary RunIndex::summarize_children(unsigned level, std::size_t node) const noexcept {
  const Level& below = levels_[level - 1];
  const std::size_t first = node * kFanOut;
  const std::size_t end = first + kFanOut < below.count ? first + kFanOut : below.count;
  Summary sum{0, 0, 0};
  bool is_all_free = true;
  for (std::size_t i = first; i < end; ++i) {
    const Summary& child = below.nodes[i];
    if (is_all_free) sum.start += child.start;
    const std::uint32_t across = sum.end + child.start;
    if (across > sum.max) sum.max = across;
    if (child.max > sum.max) sum.max = child.max;
    const bool is_child_free = child.start == below.span;
    sum.end = is_child_free ? sum.end + child.end : child.end;
    is_all_free = is_all_free && is_child_free;
  }
  return sum;
}

void RunIndex::update(std::size_t first, std::size_t last) noexcept {
  bool changed = false;
  for (std::size_t chunk = first; chunk <= last; ++chunk) {
    const Summary now = summarize_chunk(chunk);
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
  for (std::size_t page = first; page < first + pages;) {
    const auto from = static_cast<unsigned>(page % 64);
    const std::size_t rest = first + pages - page;
    const std::size_t count = rest < 64 - from ? rest : 64 - from;
    const std::uint64_t mask = mask_of(from, count);
    bits_[page / 64] = free ? bits_[page / 64] | mask : bits_[page / 64] & ~mask;
    page += count;
  }
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

std::size_t RunIndex::longest() const noexcept {
  const Level& top = levels_[level_count_ - 1];
  std::size_t longest = 0;
  std::size_t across = 0;
  for (std::size_t node = 0; node < top.count; ++node) {
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
    if (!(levels_[0].nodes[chunk] == summarize_chunk(chunk))) return 101;
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
