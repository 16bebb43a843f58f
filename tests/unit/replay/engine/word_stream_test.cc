#include "replay/engine/word_stream.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(WordStreamTest, HoldsAndChangesWordsAndGivesThemInOrder) {
  constexpr std::uint64_t kWords = 50'000;
  WordStream stream;
  for (std::uint64_t i = 0; i < kWords; ++i) stream.put(i);
  EXPECT_EQ(stream.end(), kWords);
  stream[20'000] |= kPlanPost;
  std::vector<PlanWord> all;
  stream.drain([&](const PlanWord* first, std::size_t count) {
    all.insert(all.end(), first, first + count);
  });
  ASSERT_EQ(all.size(), kWords);
  for (std::uint64_t i = 0; i < kWords; ++i) {
    ASSERT_EQ(all[i], i == 20'000 ? i | kPlanPost : i);
  }
  EXPECT_EQ(stream.held(), 0U);
}

TEST(WordStreamTest, WordsKeepTheirNumbersWhenOthersWereTaken) {
  constexpr std::uint64_t kTaken = 20'000;
  WordStream stream;
  for (std::uint64_t i = 0; i < kTaken; ++i) stream.put(i);
  stream.drain([](const PlanWord*, std::size_t) {});
  for (std::uint64_t i = kTaken; i < 3 * kTaken; ++i) stream.put(i);
  EXPECT_EQ(stream.begin(), kTaken);
  EXPECT_EQ(stream.end(), 3 * kTaken);
  EXPECT_EQ(stream.held(), 2 * kTaken);
  for (std::uint64_t i = kTaken; i < 3 * kTaken; ++i) ASSERT_EQ(stream[i], i);
}

TEST(WordStreamTest, AnEmptyOneGivesNothing) {
  WordStream stream;
  std::size_t words = 0;
  stream.drain([&](const PlanWord*, std::size_t count) { words += count; });
  EXPECT_EQ(words, 0U);
}

}  // namespace
}  // namespace replay
