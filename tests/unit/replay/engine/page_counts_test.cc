#include "replay/engine/page_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace replay {
namespace {

constexpr std::uint64_t kPage = 4096;

struct PageCountsTest : ::testing::Test {
  std::vector<std::uint64_t> cells = std::vector<std::uint64_t>(256);
  PageCounts counts{cells.data(), cells.size(), kPage};

  static const void* at(std::uint64_t address) { return reinterpret_cast<const void*>(address); }
};

TEST_F(PageCountsTest, AnObjectIsOnEveryPageOfWhichItHasAByte) {
  counts.add(at(10 * kPage), kPage);
  EXPECT_EQ(counts.pages(), 1U);
  counts.add(at(20 * kPage - 1), 2);
  EXPECT_EQ(counts.pages(), 3U);
  counts.add(at(30 * kPage), 0);
  EXPECT_EQ(counts.pages(), 3U);
}

TEST_F(PageCountsTest, APageIsFreeWhenItsLastObjectIs) {
  counts.add(at(kPage), 100);
  counts.add(at(kPage + 100), kPage);
  EXPECT_EQ(counts.pages(), 2U);
  counts.remove(at(kPage), 100);
  EXPECT_EQ(counts.pages(), 2U);
  counts.remove(at(kPage + 100), kPage);
  EXPECT_EQ(counts.pages(), 0U);
}

TEST_F(PageCountsTest, AgreesWithAMapAfterMuchComingAndGoing) {
  std::mt19937_64 random(1);
  std::map<std::uint64_t, int> pages;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> live;
  for (int i = 0; i < 100'000; ++i) {
    const bool grow = live.empty() || (live.size() < 60 && random() % 2 == 0);
    if (grow) {
      // Few places and far apart, so that pages share cells and come back.
      live.emplace_back((random() % 40 << 33) + random() % (4 * kPage), 1 + random() % (2 * kPage));
    } else {
      std::swap(live[random() % live.size()], live.back());
    }
    const auto [address, size] = live.back();
    for (std::uint64_t p = address / kPage; p <= (address + size - 1) / kPage; ++p) {
      if ((pages[p] += grow ? 1 : -1) == 0) pages.erase(p);
    }
    if (grow) {
      counts.add(at(address), size);
    } else {
      counts.remove(at(address), size);
      live.pop_back();
    }
    ASSERT_EQ(counts.pages(), pages.size()) << "after " << i;
  }
  EXPECT_FALSE(counts.overflowed());
}

TEST_F(PageCountsTest, ATableThatIsTooSmallSaysSo) {
  counts.add(at(kPage), 1000 * kPage);
  EXPECT_TRUE(counts.overflowed());
}

// Traces may name sizes that no machine has.
TEST_F(PageCountsTest, ObjectsBeyondAnyMachineAreNotWalkedAndNeedNoCells) {
  counts.add(at(kPage), std::uint64_t{1} << 60);
  EXPECT_TRUE(counts.overflowed());
  const std::uint64_t cells_needed = PageCounts::cells_for(1, std::uint64_t{1} << 60, kPage);
  EXPECT_EQ(cells_needed, PageCounts::cells_for(UINT32_MAX, UINT64_MAX, kPage));
  EXPECT_LE(cells_needed * sizeof(std::uint64_t), std::uint64_t{1} << 27);
}

TEST_F(PageCountsTest, CellsSufficeForObjectsThatAllLieAcrossPages) {
  constexpr std::uint64_t kObjects = 1000;
  cells.assign(PageCounts::cells_for(kObjects, 2 * kObjects, kPage), 0);
  PageCounts all(cells.data(), cells.size(), kPage);
  for (std::uint64_t i = 1; i <= kObjects; ++i) all.add(at(2 * i * kPage - 1), 2);
  EXPECT_EQ(all.pages(), 2 * kObjects);
  EXPECT_FALSE(all.overflowed());
}

}  // namespace
}  // namespace replay
