#include "replay/floor/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "tests/support/error_of.h"

namespace replay {
namespace {

constexpr std::uint64_t kPage = 4;  // granules

bool overlap_in_time(const Lives& lives, std::size_t a, std::size_t b) {
  return lives.begin_of(a) < lives.end_of(b) && lives.begin_of(b) < lives.end_of(a);
}

bool overlap(const Lives& lives, const Addresses& at, std::size_t a, std::size_t b) {
  return overlap_in_time(lives, a, b) && at[a] < at[b] + lives[b].size() &&
         at[b] < at[a] + lives[a].size();
}

bool is_valid(const Lives& lives, const Addresses& at) {
  for (std::size_t a = 0; a < lives.count(); ++a) {
    if (at[a] % (std::uint64_t{1} << lives[a].align_log2()) != 0) return false;
    for (std::size_t b = 0; b < a; ++b) {
      if (overlap(lives, at, a, b)) return false;
    }
  }
  return true;
}

std::uint64_t height_of(const Lives& lives, const Addresses& at) {
  std::uint64_t height = 0;
  for (std::size_t i = 0; i < lives.count(); ++i)
    height = std::max(height, at[i] + lives[i].size());
  return height;
}

// By definition: at each step, the pages of all who are there.
std::uint64_t pages_of(const Lives& lives, const Addresses& at) {
  std::size_t most = 0;
  for (std::uint32_t step = 0; step < lives.steps().size(); ++step) {
    std::set<std::uint64_t> pages;
    for (std::size_t i = 0; i < lives.count(); ++i) {
      if (lives.begin_of(i) > step || lives.end_of(i) <= step) continue;
      for (std::uint64_t j = 0; j < lives[i].size(); ++j) pages.insert((at[i] + j) / kPage);
    }
    most = std::max(most, pages.size());
  }
  return most;
}

// Of all packings, by trying every address of every life below `height`.
bool fits(const Lives& lives, Addresses& at, std::size_t next, std::uint64_t height) {
  if (next == lives.count()) return true;
  const std::uint64_t align = std::uint64_t{1} << lives[next].align_log2();
  for (at[next] = 0; at[next] + lives[next].size() <= height; at[next] += align) {
    bool free = true;
    for (std::size_t i = 0; i < next; ++i) free = free && !overlap(lives, at, next, i);
    if (free && fits(lives, at, next + 1, height)) return true;
  }
  return false;
}

std::uint64_t least_height(const Lives& lives) {
  Addresses at(lives.count());
  std::uint64_t height = lives.load();
  while (!fits(lives, at, 0, height)) ++height;
  return height;
}

// `count` lives of at most `most` granules, of which few are aligned and some never end.
Lives random_lives(std::uint32_t seed, std::size_t count, std::uint64_t most) {
  std::mt19937 random(seed);
  Lives lives;
  std::vector<std::uint32_t> live;
  while (lives.count() < count || random() % 3 != 0) {
    if (lives.count() < count && (live.empty() || random() % 5 < 3)) {
      const std::uint64_t granules = 1 + random() % most;
      live.push_back(lives.begin(granules * kGranuleBytes, random() % 10 == 0 ? 5 : 0));
    } else if (!live.empty()) {
      const std::size_t victim = random() % live.size();
      lives.end(live[victim]);
      live[victim] = live.back();
      live.pop_back();
    }
  }
  return lives;
}

TEST(PackingTest, EveryTacticKeepsLivesApartAndIsMeasuredAsItIs) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const Lives lives = random_lives(seed, 60, 9);
    for (const Tactic tactic : kTactics) {
      const Addresses at = pack(lives, tactic);
      ASSERT_TRUE(is_valid(lives, at)) << seed << ' ' << tactic_name(tactic);
      const PackingSize size = measure_packing(lives, at, kPage);
      ASSERT_EQ(size.height, height_of(lives, at)) << seed;
      ASSERT_EQ(size.pages, pages_of(lives, at)) << seed;
      ASSERT_GE(size.height, lives.load());
    }
  }
}

TEST(PackingTest, OfSmallInstancesItFindsTheBestNearlyAlways) {
  constexpr int kInstances = 300;
  int best = 0;
  for (std::uint32_t seed = 0; seed < kInstances; ++seed) {
    const Lives lives = random_lives(seed, 7, 4);
    const std::uint64_t found = best_packing(lives, kPage, [](int) {}).size.height;
    const std::uint64_t least = least_height(lives);
    ASSERT_GE(found, least) << seed;
    ASSERT_LE(found, 2 * least) << seed;
    best += found == least ? 1 : 0;
  }
  EXPECT_GE(best, kInstances * 9 / 10);
}

TEST(PackingTest, TheBestIsOfFewestPagesAndThenLowest) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const Lives lives = random_lives(seed, 200, 9);
    PackingSize least{UINT64_MAX, UINT64_MAX};
    for (const Tactic tactic : kTactics) {
      const PackingSize size = measure_packing(lives, pack(lives, tactic), kPage);
      if (std::pair(size.pages, size.height) < std::pair(least.pages, least.height)) least = size;
    }
    const BestPacking best = best_packing(lives, kPage, [](int) {});
    EXPECT_EQ(best.size.pages, least.pages) << seed;
    EXPECT_EQ(best.size.height, least.height) << seed;
  }
}

TEST(PackingTest, TheMomentOfMostLoadHasNoGap) {
  // Each third one is long-lived, so that the low ends of all gaps would be taken by others.
  Lives lives;
  std::vector<std::uint32_t> brief;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 30; ++i) {
      const std::uint32_t life = lives.begin(16U << (round % 5), 0);
      if (i % 3 != 0) brief.push_back(life);
    }
    for (const std::uint32_t life : brief) lives.end(life);
    brief.clear();
  }
  const BestPacking best = best_packing(lives, kPage, [](int) {});
  EXPECT_EQ(best.size.height, lives.load());
  EXPECT_EQ(best.size.pages, (lives.load() + kPage - 1) / kPage);
}

TEST(PackingTest, StopsWhereNothingCanBeBetter) {
  Lives lives;
  lives.begin(100, 0);
  int tried = 0;
  best_packing(lives, kPage, [&](int) { ++tried; });
  EXPECT_EQ(tried, 1);
}

TEST(PackingTest, TheMeasureRefusesWhatOverlapsOrIsNotAligned) {
  Lives lives;
  const std::uint32_t a = lives.begin(32, 0);
  lives.begin(16, 5);
  lives.end(a);
  lives.begin(32, 0);
  EXPECT_EQ(measure_packing(lives, Addresses{0, 2, 0}, kPage).height, 3U);
  for (const Addresses& wrong : {Addresses{1, 2, 0}, {0, 0, 4}, {0, 3, 0}, {0, 2, 2}, {0, 2, 1}}) {
    EXPECT_THAT(test::error_of([&] { measure_packing(lives, wrong, kPage); }),
                testing::HasSubstr("packing is wrong"));
  }
}

TEST(PackingTest, PagesWithoutALifeDoNotCount) {
  Lives lives;
  const std::uint32_t a = lives.begin(16 * 8, 0);
  lives.end(a);
  lives.begin(16, 0);
  const PackingSize size = measure_packing(lives, Addresses{0, 100}, kPage);
  EXPECT_EQ(size.pages, 2U);
  EXPECT_EQ(size.height, 101U);
}

TEST(PackingTest, NothingTakesNothing) {
  const BestPacking best = best_packing(Lives(), kPage, [](int) {});
  EXPECT_EQ(best.size.height, 0U);
  EXPECT_EQ(best.size.pages, 0U);
}

TEST(PackingTest, TacticsHaveNames) {
  EXPECT_EQ(tactic_name({PeakOrder::kDeath, GapEnds::kLow}), "death");
  EXPECT_EQ(tactic_name({PeakOrder::kLifetime, GapEnds::kBoth}), "lifetime, both ends");
}

}  // namespace
}  // namespace replay
