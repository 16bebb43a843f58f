#include "core/mem/large_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace mem {
namespace {

constexpr std::size_t kNoBound = SIZE_MAX / 2;

class LargeCacheTest : public testing::Test {
 protected:
  Span* span_of(std::uint32_t pages) {
    spans_.push_back(std::make_unique<Span>());
    spans_.back()->run_pages = pages;
    return spans_.back().get();
  }
  // So that the size is one asked for more than once.
  void ask_twice(std::size_t pages) {
    EXPECT_EQ(cache_.take(pages), nullptr);
    EXPECT_EQ(cache_.take(pages), nullptr);
  }

  LargeCache cache_;
  std::vector<std::unique_ptr<Span>> spans_;
};

TEST_F(LargeCacheTest, KeepsASizeOnlyIfItWasAskedForTwice) {
  Span* span = span_of(20);
  EXPECT_FALSE(cache_.put(span, kNoBound));
  EXPECT_EQ(cache_.take(20), nullptr);
  EXPECT_FALSE(cache_.put(span, kNoBound));
  EXPECT_EQ(cache_.take(20), nullptr);
  EXPECT_TRUE(cache_.put(span, kNoBound));
  EXPECT_EQ(cache_.pages(), 20u);
  EXPECT_EQ(cache_.take(20), span);
  EXPECT_EQ(cache_.pages(), 0u);
  EXPECT_EQ(cache_.take(20), nullptr);
}

TEST_F(LargeCacheTest, GivesOnlyTheExactSize) {
  ask_twice(20);
  Span* span = span_of(20);
  ASSERT_TRUE(cache_.put(span, kNoBound));
  EXPECT_EQ(cache_.take(19), nullptr);
  EXPECT_EQ(cache_.take(21), nullptr);
  EXPECT_EQ(cache_.take(20), span);
}

TEST_F(LargeCacheTest, ASizeThatDisplacedAnotherIsAskedForAnew) {
  ask_twice(20);
  EXPECT_FALSE(cache_.put(span_of(52), kNoBound));  // 52 is remembered in the same place
  EXPECT_EQ(cache_.take(52), nullptr);
  EXPECT_FALSE(cache_.put(span_of(20), kNoBound));
  EXPECT_FALSE(cache_.put(span_of(52), kNoBound));
  EXPECT_EQ(cache_.take(20), nullptr);
  EXPECT_FALSE(cache_.put(span_of(20), kNoBound));
}

TEST_F(LargeCacheTest, KeepsNoMorePagesThanItMay) {
  ask_twice(20);
  ask_twice(30);
  EXPECT_FALSE(cache_.put(span_of(20), 19));
  EXPECT_TRUE(cache_.put(span_of(20), 20));
  EXPECT_FALSE(cache_.put(span_of(30), 49));
  EXPECT_TRUE(cache_.put(span_of(30), 50));
  EXPECT_EQ(cache_.pages(), 50u);
}

TEST_F(LargeCacheTest, KeepsNothingBeyond4MiB) {
  ask_twice(1024);
  ask_twice(1025);
  EXPECT_TRUE(cache_.put(span_of(1024), kNoBound));
  EXPECT_FALSE(cache_.put(span_of(1025), kNoBound));
}

TEST_F(LargeCacheTest, HoldsEightAndGivesAllUp) {
  ask_twice(10);
  std::set<Span*> put;
  for (int i = 0; i < 8; ++i) {
    Span* span = span_of(10);
    ASSERT_TRUE(cache_.put(span, kNoBound));
    put.insert(span);
  }
  EXPECT_FALSE(cache_.put(span_of(10), kNoBound));
  EXPECT_EQ(cache_.pages(), 80u);
  std::set<Span*> evicted;
  while (Span* span = cache_.evict()) evicted.insert(span);
  EXPECT_EQ(evicted, put);
  EXPECT_EQ(cache_.pages(), 0u);
  EXPECT_EQ(cache_.take(10), nullptr);
  EXPECT_TRUE(cache_.put(span_of(10), kNoBound));  // room again
}

}  // namespace
}  // namespace mem
