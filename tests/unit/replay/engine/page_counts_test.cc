#include "replay/engine/page_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "core/base/bits.h"

namespace replay {
namespace {

using mem::kPageBytes;

struct PageCountsTest : ::testing::Test {
  std::vector<std::uint64_t> cells = std::vector<std::uint64_t>(256);
  PageCounts counts{cells.data(), cells.size(), kPageBytes};

  static const void* at(std::uint64_t address) { return reinterpret_cast<const void*>(address); }
};

TEST_F(PageCountsTest, AnObjectIsOnEveryPageOfWhichItHasAByte) {
  counts.add(at(10 * kPageBytes), kPageBytes);
  EXPECT_EQ(counts.pages(), 1U);
  counts.add(at(20 * kPageBytes - 1), 2);
  EXPECT_EQ(counts.pages(), 3U);
  counts.add(at(30 * kPageBytes), 0);
  EXPECT_EQ(counts.pages(), 3U);
}

TEST_F(PageCountsTest, APageIsFreeWhenItsLastObjectIs) {
  counts.add(at(kPageBytes), 100);
  counts.add(at(kPageBytes + 100), kPageBytes);
  EXPECT_EQ(counts.pages(), 2U);
  counts.remove(at(kPageBytes), 100);
  EXPECT_EQ(counts.pages(), 2U);
  counts.remove(at(kPageBytes + 100), kPageBytes);
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
      live.emplace_back((random() % 40 << 33) + random() % (4 * kPageBytes),
                        1 + random() % (2 * kPageBytes));
    } else {
      std::swap(live[random() % live.size()], live.back());
    }
    const auto [address, size] = live.back();
    for (std::uint64_t p = address / kPageBytes; p <= (address + size - 1) / kPageBytes; ++p) {
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
  counts.add(at(kPageBytes), 1000 * kPageBytes);
  EXPECT_TRUE(counts.overflowed());
}

// Traces may name sizes that no machine has.
TEST_F(PageCountsTest, ObjectsBeyondAnyMachineAreNotWalkedAndNeedNoCells) {
  counts.add(at(kPageBytes), std::uint64_t{1} << 60);
  EXPECT_TRUE(counts.overflowed());
  const std::uint64_t cells_needed = PageCounts::cells_for(1, std::uint64_t{1} << 60, kPageBytes);
  EXPECT_EQ(cells_needed, PageCounts::cells_for(UINT32_MAX, UINT64_MAX, kPageBytes));
  EXPECT_LE(cells_needed * sizeof(std::uint64_t), std::uint64_t{1} << 27);
}

TEST_F(PageCountsTest, CellsSufficeForObjectsThatAllLieAcrossPages) {
  constexpr std::uint64_t kObjects = 1000;
  cells.assign(PageCounts::cells_for(kObjects, 2 * kObjects, kPageBytes), 0);
  PageCounts all(cells.data(), cells.size(), kPageBytes);
  for (std::uint64_t i = 1; i <= kObjects; ++i) all.add(at(2 * i * kPageBytes - 1), 2);
  EXPECT_EQ(all.pages(), 2 * kObjects);
  EXPECT_FALSE(all.overflowed());
}

}  // namespace
}  // namespace replay
