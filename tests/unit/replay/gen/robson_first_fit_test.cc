// Robson's programs against first fit and best fit that know nothing of the generators.
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <unordered_map>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

enum class Fit { kFirst, kBest };

// A heap of words that coalesces at once and takes gaps by the policy, the lowest address first.
class Heap {
 public:
  explicit Heap(Fit fit) : fit_(fit) {}

  std::uint64_t allocate(std::uint64_t words) {
    auto chosen = gaps_.end();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
      if (gap->second < words) continue;
      if (chosen == gaps_.end() || gap->second < chosen->second) chosen = gap;
      if (fit_ == Fit::kFirst) break;
    }
    if (chosen == gaps_.end()) {
      const std::uint64_t address = end_;
      end_ += words;
      most_ = std::max(most_, end_);
      return address;
    }
    const auto [address, size] = *chosen;
    gaps_.erase(chosen);
    if (size > words) gaps_[address + words] = size - words;
    return address;
  }

  void release(std::uint64_t address, std::uint64_t words) {
    auto gap = gaps_.emplace(address, words).first;
    const auto next = std::next(gap);
    if (next != gaps_.end() && address + words == next->first) {
      gap->second += next->second;
      gaps_.erase(next);
    }
    if (gap != gaps_.begin()) {
      const auto before = std::prev(gap);
      if (before->first + before->second == gap->first) {
        before->second += gap->second;
        gaps_.erase(gap);
        gap = before;
      }
    }
    if (gap->first + gap->second == end_) {
      end_ = gap->first;
      gaps_.erase(gap);
    }
  }

  std::uint64_t most() const { return most_; }

 private:
  Fit fit_;
  std::map<std::uint64_t, std::uint64_t> gaps_;
  std::uint64_t end_ = 0;
  std::uint64_t most_ = 0;
};

struct Outcome {
  std::uint64_t heap = 0;  // words
  std::uint64_t live = 0;  // most words
};

Outcome outcome(const char* name, const std::vector<std::string>& settings, Fit fit) {
  constexpr std::uint64_t kWord = 32;
  Heap heap(fit);
  Outcome result;
  std::uint64_t live = 0;
  std::unordered_map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> objects;
  Emitter out([&](std::span<const Event> events) {
    for (const Event& event : events) {
      if (event.op == Op::kFree) {
        const auto [address, words] = objects.at(event.object);
        heap.release(address, words);
        live -= words;
        objects.erase(event.object);
      } else {
        const std::uint64_t words = (event.size + 8) / kWord;
        ASSERT_EQ(words * kWord, event.size + 8);
        objects[event.object] = {heap.allocate(words), words};
        live += words;
        result.live = std::max(result.live, live);
      }
    }
  });
  const Generator& generator = find_generator(name);
  run_generator(generator, Parameters(name, generator.parameters, settings), 0, out);
  result.heap = heap.most();
  return result;
}

TEST(RobsonTest, FirstFitNeedsWhatRobsonProved) {
  for (const std::uint64_t largest : {4U, 64U, 256U}) {
    constexpr std::uint64_t kLive = 4096;
    const Outcome found = outcome("robson-first-fit",
                                  {"live=4Ki", "largest=" + std::to_string(largest)}, Fit::kFirst);
    EXPECT_LE(found.live, kLive);
    const auto log2 = static_cast<std::uint64_t>(std::bit_width(largest)) - 1;
    EXPECT_GE(found.heap, kLive + kLive * log2 / 2 - largest + 1) << largest;
  }
}

TEST(RobsonTest, BestFitNeedsAboutTheLargestSizeForEachLiveWord) {
  constexpr std::uint64_t kGaps = 60;
  constexpr std::uint64_t kLargest = 32;
  const Outcome found = outcome("robson-best-fit", {"gaps=60", "largest=32"}, Fit::kBest);
  EXPECT_LE(found.live, kGaps + 5 * kLargest);
  EXPECT_GE(found.heap, kGaps * (kLargest - 2));
}

TEST(RobsonTest, FirstFitIsNotHitByTheAttackOnBestFit) {
  const Outcome found = outcome("robson-best-fit", {"gaps=60", "largest=32"}, Fit::kFirst);
  EXPECT_LT(found.heap, 60U * 30U);
}

}  // namespace
}  // namespace replay::gen
