#include "core/mem/run_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace mem {
namespace {

constexpr std::size_t kChunk = RunIndex::kChunkPages;

// A run index with its memory, and beside it the plain truth.
class Indexed {
 public:
  explicit Indexed(std::size_t pages, std::size_t reach = SIZE_MAX)
      : bits_(RunIndex::bitmap_bytes(pages) / 8 + 1),
        summaries_(RunIndex::summary_bytes(pages) / sizeof(RunIndex::Summary) + 1),
        model_(pages) {
    bits_.back() = kCanary;
    summaries_.back().max = static_cast<std::uint32_t>(kCanary);
    index_.init(pages, bits_.data(), summaries_.data());
    index_.reach(reach < pages ? reach : pages);
  }

  RunIndex& index() { return index_; }
  std::vector<bool>& model() { return model_; }
  std::uint64_t& word(std::size_t chunk) { return bits_[chunk]; }
  RunIndex::Summary& summary(std::size_t i) { return summaries_[i]; }
  std::size_t pages() const { return model_.size(); }
  int check() { return index_.check(pages()); }
  bool is_inside() const {
    return bits_.back() == kCanary && summaries_.back().max == static_cast<std::uint32_t>(kCanary);
  }

  void set(std::size_t first, std::size_t pages, bool free) {
    index_.set(first, pages, free);
    std::fill_n(model_.begin() + static_cast<std::ptrdiff_t>(first), pages, free);
  }

  std::size_t free_from(std::size_t first, std::size_t limit) const {
    std::size_t count = 0;
    while (count < limit && first + count < pages() && model_[first + count]) ++count;
    return count;
  }
  std::size_t free_before(std::size_t page) const {
    std::size_t count = 0;
    while (count < page && model_[page - count - 1]) ++count;
    return count;
  }
  std::size_t find(std::size_t wanted) const {
    std::size_t run = 0;
    for (std::size_t page = 0; page < pages(); ++page) {
      run = model_[page] ? run + 1 : 0;
      if (run == wanted) return page + 1 - wanted;
    }
    return RunIndex::kNone;
  }
  std::size_t longest() const {
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const bool is_free : model_) {
      run = is_free ? run + 1 : 0;
      longest = run > longest ? run : longest;
    }
    return longest;
  }
  std::size_t free_pages() const {
    return static_cast<std::size_t>(std::count(model_.begin(), model_.end(), true));
  }

 private:
  static constexpr std::uint64_t kCanary = 0x5ca1ab1e0ddba11;
  std::vector<std::uint64_t> bits_;
  std::vector<RunIndex::Summary> summaries_;
  RunIndex index_;
  std::vector<bool> model_;
};

std::size_t draw(std::mt19937_64& random, std::size_t below) { return random() % below; }

// Mostly short, now and then up to the whole window.
std::size_t draw_length(std::mt19937_64& random, std::size_t most) {
  const std::size_t limits[] = {4, 70, 600, most};
  const std::size_t limit = limits[draw(random, 4)];
  return 1 + draw(random, limit < most ? limit : most);
}

void compare(Indexed& it, std::mt19937_64& random) {
  const std::size_t longest = it.longest();
  ASSERT_EQ(it.index().longest(), longest);
  ASSERT_EQ(it.index().free_pages(), it.free_pages());
  for (const std::size_t length : {longest, longest + 1, draw_length(random, it.pages())}) {
    if (length == 0) continue;
    ASSERT_EQ(it.index().find(length), it.find(length)) << length;
  }
  const std::size_t page = draw(random, it.pages());
  const std::size_t limit = draw_length(random, it.pages());
  ASSERT_EQ(it.index().is_free(page), it.model()[page]);
  ASSERT_EQ(it.index().free_from(page, limit), it.free_from(page, limit));
  ASSERT_EQ(it.index().free_before(page), it.free_before(page));
  ASSERT_EQ(it.index().are_free(page, limit), it.free_from(page, limit) == limit);
}

// Flips a random part of a random run.
void flip(Indexed& it, std::mt19937_64& random, std::size_t reach) {
  const std::size_t first = draw(random, reach);
  const std::size_t limit = draw_length(random, reach);
  std::size_t count = 1;
  while (count < limit && first + count < reach && it.model()[first + count] == it.model()[first]) {
    ++count;
  }
  it.set(first, count, !it.model()[first]);
}

class RunIndexModelTest : public testing::TestWithParam<std::size_t> {};

TEST_P(RunIndexModelTest, AgreesAfterEachChange) {
  Indexed it(GetParam());
  std::mt19937_64 random(GetParam());
  const int steps = GetParam() > 20000 ? 400 : 4000;
  for (int step = 0; step < steps; ++step) {
    flip(it, random, it.pages());
    ASSERT_EQ(it.check(), 0) << "step " << step;
    ASSERT_NO_FATAL_FAILURE(compare(it, random)) << "step " << step;
  }
  EXPECT_TRUE(it.is_inside());
}

// A heap's way: the lowest run is taken, and in the end all are back.
TEST_P(RunIndexModelTest, AgreesWhileRunsAreTakenAndGivenBack) {
  Indexed it(GetParam());
  it.set(0, it.pages(), true);
  std::mt19937_64 random(GetParam() + 1);
  std::vector<std::pair<std::size_t, std::size_t>> taken;
  for (int step = 0; step < 1500; ++step) {
    const std::size_t length = draw_length(random, it.pages() / 4);
    const std::size_t first = it.index().find(length);
    if (first != RunIndex::kNone && draw(random, 5) < 3) {
      it.set(first, length, false);
      taken.emplace_back(first, length);
    } else if (!taken.empty()) {
      std::swap(taken[draw(random, taken.size())], taken.back());
      it.set(taken.back().first, taken.back().second, true);
      taken.pop_back();
    }
    if (step % 8 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(compare(it, random)) << "step " << step;
  }
  ASSERT_EQ(it.check(), 0);
  for (const auto& [first, length] : taken) it.set(first, length, true);
  EXPECT_EQ(it.index().longest(), it.pages());
  EXPECT_EQ(it.index().find(it.pages()), 0u);
  EXPECT_EQ(it.index().find(it.pages() + 1), RunIndex::kNone);
  EXPECT_EQ(it.check(), 0);
}

TEST_P(RunIndexModelTest, AgreesWhileItsReachGrows) {
  std::mt19937_64 random(GetParam() + 2);
  Indexed it(GetParam(), kChunk);
  for (std::size_t reach = kChunk; reach <= it.pages();
       reach += reach / 3 / kChunk * kChunk + kChunk) {
    it.index().reach(reach);
    for (int step = 0; step < 20; ++step) {
      flip(it, random, reach);
      ASSERT_EQ(it.check(), 0) << "reach " << reach;
      ASSERT_NO_FATAL_FAILURE(compare(it, random)) << "reach " << reach;
    }
  }
}

// One chunk; one level; its edge and just behind; four levels, full and ragged.
INSTANTIATE_TEST_SUITE_P(Windows, RunIndexModelTest,
                         testing::Values(64, 5 * 64, 8 * 64, 9 * 64, 64 * 64, 65 * 64, 513 * 64,
                                         8 * 8 * 8 * 64, 601 * 64));

TEST(RunIndex, StartsWithNothingFree) {
  Indexed it(1024, 0);
  EXPECT_EQ(it.index().find(1), RunIndex::kNone);
  EXPECT_EQ(it.index().longest(), 0u);
  EXPECT_EQ(it.index().free_pages(), 0u);
  it.index().reach(1024);
  EXPECT_EQ(it.index().find(1), RunIndex::kNone);
  EXPECT_EQ(it.check(), 0);
}

TEST(RunIndex, FindsARunOfEachLengthAtEachPlace) {
  Indexed it(3 * kChunk);
  for (std::size_t length = 1; length <= it.pages(); ++length) {
    for (std::size_t first = 0; first + length <= it.pages(); ++first) {
      it.index().set(first, length, true);
      ASSERT_EQ(it.index().find(length), first) << length;
      ASSERT_EQ(it.index().find(length + 1), RunIndex::kNone) << length;
      ASSERT_EQ(it.index().longest(), length);
      ASSERT_EQ(it.index().free_from(first, SIZE_MAX), length);
      ASSERT_EQ(it.index().free_before(first + length), length);
      it.index().set(first, length, false);
    }
  }
  EXPECT_EQ(it.check(), 0);
}

// The same around the edges of nodes of every level.
TEST(RunIndex, FindsRunsThatCrossNodes) {
  Indexed it(8 * 8 * 8 * 2 * kChunk);
  for (const std::size_t edge : {kChunk, 8 * kChunk, 64 * kChunk, 512 * kChunk, 520 * kChunk}) {
    for (const std::size_t before : {std::size_t{1}, std::size_t{63}, std::size_t{64}}) {
      for (const std::size_t after : {std::size_t{1}, std::size_t{64}, 9 * kChunk, 65 * kChunk}) {
        it.set(edge - before, before + after, true);
        ASSERT_EQ(it.check(), 0);
        EXPECT_EQ(it.index().find(before + after), edge - before);
        EXPECT_EQ(it.index().find(1), edge - before);
        EXPECT_EQ(it.index().find(before + after + 1), RunIndex::kNone);
        EXPECT_EQ(it.index().longest(), before + after);
        it.set(edge - before, before + after, false);
      }
    }
  }
}

TEST(RunIndex, PrefersTheLowestRunThatIsLongEnough) {
  Indexed it(64 * kChunk);
  it.set(10, 3, true);
  it.set(62, 4, true);  // across a chunk's edge
  it.set(100, 9, true);
  it.set(3000, 9, true);
  EXPECT_EQ(it.index().find(1), 10u);
  EXPECT_EQ(it.index().find(3), 10u);
  EXPECT_EQ(it.index().find(4), 62u);
  EXPECT_EQ(it.index().find(5), 100u);
  EXPECT_EQ(it.index().find(10), RunIndex::kNone);
  it.set(100, 1, false);
  EXPECT_EQ(it.index().find(9), 3000u);
  EXPECT_EQ(it.index().find(8), 101u);
}

TEST(RunIndex, WhatWasFreeBeforeItsReachGrewIsFound) {
  Indexed it(601 * kChunk, 8 * kChunk);
  it.set(7 * kChunk, kChunk, true);
  it.index().reach(it.pages());
  EXPECT_EQ(it.check(), 0);
  EXPECT_EQ(it.index().find(kChunk), 7 * kChunk);
  it.set(8 * kChunk, 593 * kChunk, true);
  EXPECT_EQ(it.index().find(594 * kChunk), 7 * kChunk);
  EXPECT_EQ(it.check(), 0);
}

TEST(RunIndex, CheckNamesTheInvariantThatIsBroken) {
  Indexed it(64 * kChunk);
  it.set(5 * kChunk, 100, true);
  it.word(30) ^= 4;
  EXPECT_EQ(it.check(), 101);
  it.word(30) ^= 4;
  EXPECT_EQ(it.check(), 0);
  it.summary(64).max ^= 1;  // the first of level 1
  EXPECT_EQ(it.check(), 102);
  it.summary(64).max ^= 1;
  EXPECT_EQ(it.check(), 0);
}

}  // namespace
}  // namespace mem
