#include "core/mem/waiting_runs.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <vector>

namespace mem {
namespace {

class WaitingRunsTest : public testing::Test {
 protected:
  Span* put(std::uint32_t pages) {
    spans_.push_back(std::make_unique<Span>());
    Span* span = spans_.back().get();
    span->run_pages = pages;
    span->first_page = next_page_;
    next_page_ += pages;
    runs_.put(span);
    return span;
  }
  Span* take(std::size_t pages) { return runs_.take(pages, pages); }

  WaitingRuns runs_;
  std::vector<std::unique_ptr<Span>> spans_;
  std::uint32_t next_page_ = 1000;
};

TEST_F(WaitingRunsTest, StartsEmpty) {
  EXPECT_EQ(runs_.pages(), 0u);
  EXPECT_EQ(take(20), nullptr);
  EXPECT_EQ(runs_.take_any(), nullptr);
}

TEST_F(WaitingRunsTest, GivesTheNewestThatFitsExactlyThenTheOneFreedLast) {
  Span* first = put(20);
  Span* second = put(20);
  Span* other = put(21);
  Span* newest = put(20);
  EXPECT_EQ(runs_.pages(), 81u);
  EXPECT_EQ(take(19), nullptr);
  EXPECT_EQ(take(20), newest);
  EXPECT_EQ(take(20), second);
  EXPECT_EQ(take(20), first);
  EXPECT_EQ(take(20), nullptr);
  EXPECT_EQ(runs_.pages(), 21u);
  EXPECT_EQ(take(21), other);
  EXPECT_EQ(runs_.pages(), 0u);
}

TEST_F(WaitingRunsTest, GivesNeitherFewerNorMorePagesThanAskedFor) {
  put(19);
  Span* larger = put(23);
  put(24);
  EXPECT_EQ(runs_.take(20, 22), nullptr);
  EXPECT_EQ(runs_.take(20, 23), larger);
  EXPECT_EQ(runs_.take(20, 23), nullptr);
  Span* newest = put(22);
  EXPECT_EQ(runs_.take(20, 21), nullptr);
  EXPECT_EQ(runs_.take(20, 22), newest);
  EXPECT_EQ(runs_.pages(), 19u + 24u);
}

TEST_F(WaitingRunsTest, HasNoneLargerThanAllOfThem) {
  put(20);
  put(20);
  EXPECT_EQ(take(41), nullptr);
  EXPECT_EQ(runs_.take(SIZE_MAX / 4096, SIZE_MAX / 3000), nullptr);
  EXPECT_EQ(runs_.pages(), 40u);
}

TEST_F(WaitingRunsTest, HasAListForTheLargestThatASpanCounts) {
  Span* largest = put(UINT32_MAX);
  put(20);
  EXPECT_EQ(take(UINT32_MAX), largest);
  EXPECT_EQ(runs_.pages(), 20u);
}

TEST_F(WaitingRunsTest, PrefersTheSmallestThatIsLargeEnough) {
  put(22);
  Span* smallest = put(21);
  put(23);
  put(1);
  EXPECT_EQ(runs_.take(20, 23), smallest);
}

// From 64 pages on a list has runs of several sizes.
TEST_F(WaitingRunsTest, TellsSizesOfOneListApart) {
  Span* small = put(1000);
  Span* large = put(1001);
  put(1);
  EXPECT_EQ(take(999), nullptr);
  EXPECT_EQ(take(1001), large);
  EXPECT_EQ(take(1001), nullptr);
  EXPECT_EQ(take(1000), small);
  EXPECT_EQ(runs_.pages(), 1u);
}

TEST_F(WaitingRunsTest, LooksAtEightOfAList) {
  put(1000);
  for (int i = 0; i < 7; ++i) put(1001);
  put(1);
  EXPECT_NE(take(1000), nullptr);
  put(1000);
  for (int i = 0; i < 8; ++i) put(1002);
  put(1);
  EXPECT_EQ(take(1000), nullptr);
}

TEST_F(WaitingRunsTest, GivesUpOneThatIsNamed) {
  Span* first = put(30);
  Span* second = put(30);
  Span* third = put(30);
  runs_.remove(second);
  EXPECT_EQ(runs_.pages(), 60u);
  runs_.remove(third);
  EXPECT_EQ(runs_.pages(), 30u);
  EXPECT_EQ(take(30), first);
  EXPECT_EQ(runs_.take_any(), nullptr);
}

TEST_F(WaitingRunsTest, GivesAllOfThem) {
  std::set<Span*> put_in;
  for (std::uint32_t pages = 9; pages < 2000; pages += pages / 9) put_in.insert(put(pages));
  put_in.insert(put(std::uint32_t{1} << 27));
  std::set<Span*> taken;
  while (Span* span = runs_.take_any()) taken.insert(span);
  EXPECT_EQ(taken, put_in);
  EXPECT_EQ(runs_.pages(), 0u);
}

// Against a plain set: what is given is there and fits, and what fits alone in its class is found.
TEST_F(WaitingRunsTest, AgreesWithASetOfRuns) {
  std::mt19937 random(7);
  std::set<Span*> shadow;
  for (int i = 0; i < 20000; ++i) {
    const std::size_t pages = 9 + random() % (random() % 4 == 0 ? 5000 : 60);
    if (shadow.size() < 40 && random() % 2 == 0) {
      shadow.insert(put(static_cast<std::uint32_t>(pages)));
      continue;
    }
    const std::size_t most = pages + pages / (1 + random() % 8);
    Span* span = runs_.take(pages, most);
    if (span != nullptr) {
      ASSERT_EQ(shadow.erase(span), 1u);
      ASSERT_GE(span->run_pages, pages);
      ASSERT_LE(span->run_pages, most);
    } else if (most < 64) {
      for (const Span* other : shadow) {
        ASSERT_FALSE(other->run_pages >= pages && other->run_pages <= most) << pages << " " << most;
      }
    }
    std::size_t waiting = 0;
    for (const Span* other : shadow) waiting += other->run_pages;
    ASSERT_EQ(runs_.pages(), waiting);
  }
}

}  // namespace
}  // namespace mem
