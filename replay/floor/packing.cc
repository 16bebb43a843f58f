#include "replay/floor/packing.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "replay/trace/error.h"

namespace replay {
namespace {

std::vector<std::uint32_t> lives_of_peak(const Lives& lives) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t life = 0; life < lives.count(); ++life) {
    if (lives.begin_of(life) < lives.peak_step() && lives.end_of(life) >= lives.peak_step()) {
      found.push_back(life);
    }
  }
  return found;
}

// The least lies lowest.
std::uint32_t rank(PeakOrder order, const Lives& lives, std::uint32_t life) {
  switch (order) {
    case PeakOrder::kBirth:
      return lives.begin_of(life);
    case PeakOrder::kDeath:
      return ~lives.end_of(life);
    case PeakOrder::kLifetime:
      return ~(lives.end_of(life) - lives.begin_of(life));
  }
  return 0;
}

class Packer {
 public:
  explicit Packer(const Lives& lives) : lives_(lives), addresses_(lives.count()) {}

  Addresses pack(Tactic tactic) {
    const std::vector<std::uint32_t> at_peak = lives_of_peak_in(tactic.order);
    const std::size_t peak = lives_.peak_step();
    const std::vector<LifeStep>& steps = lives_.steps();
    const auto count = static_cast<std::uint32_t>(steps.size());

    Strip onwards(tactic.ends);
    for (const std::uint32_t life : at_peak) place(life, lives_.end_of(life), onwards);
    Strip backwards = onwards;
    for (const std::uint32_t life : at_peak) {
      backwards.reschedule(addresses_[life] + lives_[life].size(), count - lives_.begin_of(life));
    }
    for (std::size_t i = peak; i < count; ++i) {
      const std::uint32_t life = steps[i].life();
      steps[i].begins() ? place(life, lives_.end_of(life), onwards) : give_back(life, onwards);
    }
    for (std::size_t i = peak; i-- > 0;) {
      const std::uint32_t life = steps[i].life();
      steps[i].begins() ? give_back(life, backwards)
                        : place(life, count - lives_.begin_of(life), backwards);
    }
    return std::move(addresses_);
  }

 private:
  std::vector<std::uint32_t> lives_of_peak_in(PeakOrder order) const {
    std::vector<std::uint32_t> lives = lives_of_peak(lives_);
    // Large alignments first: side by side they leave no gaps.
    std::sort(lives.begin(), lives.end(), [&](std::uint32_t a, std::uint32_t b) {
      const auto key = [&](std::uint32_t life) {
        return std::tuple(-static_cast<int>(lives_[life].align_log2()), rank(order, lives_, life),
                          life);
      };
      return key(a) < key(b);
    });
    return lives;
  }

  void place(std::uint32_t life, std::uint32_t leaves, Strip& strip) {
    addresses_[life] = strip.take(lives_[life].size(), lives_[life].align_log2(), leaves);
  }
  void give_back(std::uint32_t life, Strip& strip) const {
    strip.give_back(addresses_[life], lives_[life].size());
  }

  const Lives& lives_;
  Addresses addresses_;
};

// The lives that overlap a moment, by address, and the pages that they lie in.
class Moment {
 public:
  Moment(const Lives& lives, std::span<const std::uint64_t> addresses, std::uint64_t page_granules)
      : lives_(lives), addresses_(addresses), page_(page_granules) {}

  void add(std::uint32_t life) {
    const std::uint64_t begin = addresses_[life];
    const std::uint64_t end = begin + lives_[life].size();
    const std::uint64_t align = std::uint64_t{1} << lives_[life].align_log2();
    const auto [at, is_new] = ends_.emplace(begin, end);
    const auto after = std::next(at);
    const bool overlaps = !is_new || (after != ends_.end() && after->first < end) ||
                          (at != ends_.begin() && std::prev(at)->second > begin);
    if (overlaps || begin % align != 0) {
      throw Error("the packing is wrong, which is a bug: two lives overlap or one is not aligned");
    }
    pages_ += pages_of_its_own(at);
  }
  void remove(std::uint32_t life) {
    const auto at = ends_.find(addresses_[life]);
    pages_ -= pages_of_its_own(at);
    ends_.erase(at);
  }
  std::uint64_t pages() const { return pages_; }

 private:
  using Ends = std::map<std::uint64_t, std::uint64_t>;  // by begin

  std::uint64_t last_page(Ends::const_iterator at) const { return (at->second - 1) / page_; }

  // Those that no neighbour reaches into.
  std::uint64_t pages_of_its_own(Ends::const_iterator at) const {
    const std::uint64_t first = at->first / page_;
    const std::uint64_t last = last_page(at);
    const auto after = std::next(at);
    const bool shares_first = at != ends_.begin() && last_page(std::prev(at)) == first;
    const bool shares_last = after != ends_.end() && after->first / page_ == last;
    if (first == last) return shares_first || shares_last ? 0 : 1;
    return last - first + 1 - (shares_first ? 1 : 0) - (shares_last ? 1 : 0);
  }

  const Lives& lives_;
  std::span<const std::uint64_t> addresses_;
  std::uint64_t page_;
  Ends ends_;
  std::uint64_t pages_ = 0;
};

}  // namespace

std::string tactic_name(Tactic tactic) {
  const char* const order = tactic.order == PeakOrder::kBirth   ? "birth"
                            : tactic.order == PeakOrder::kDeath ? "death"
                                                                : "lifetime";
  return std::string(order) + (tactic.ends == GapEnds::kBoth ? ", both ends" : "");
}

Addresses pack(const Lives& lives, Tactic tactic) { return Packer(lives).pack(tactic); }

PackingSize measure_packing(const Lives& lives, std::span<const std::uint64_t> addresses,
                            std::uint64_t page_granules) {
  Moment moment(lives, addresses, page_granules);
  PackingSize size;
  for (const LifeStep step : lives.steps()) {
    if (!step.begins()) {
      moment.remove(step.life());
      continue;
    }
    moment.add(step.life());
    size.height = std::max(size.height, addresses[step.life()] + lives[step.life()].size());
    size.pages = std::max(size.pages, moment.pages());
  }
  return size;
}

BestPacking best_packing(const Lives& lives, std::uint64_t page_granules,
                         const std::function<void(int)>& before_each) {
  const std::uint64_t least_pages = (lives.load() + page_granules - 1) / page_granules;
  BestPacking best;
  int number = 0;
  for (const Tactic tactic : kTactics) {
    before_each(number);
    const PackingSize size = measure_packing(lives, pack(lives, tactic), page_granules);
    const bool better = size.pages < best.size.pages ||
                        (size.pages == best.size.pages && size.height < best.size.height);
    if (number++ == 0 || better) best = {size, tactic};
    if (best.size.height == lives.load() && best.size.pages == least_pages) break;
  }
  return best;
}

}  // namespace replay
