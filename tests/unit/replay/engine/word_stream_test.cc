#include "replay/engine/word_stream.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(WordStreamTest, HoldsAndChangesWordsAndGivesThemInOrder) {
  constexpr std::uint64_t kWords = 50'000;
  WordStream stream;
  for (std::uint64_t i = 0; i < kWords; ++i) stream.put(i);
  EXPECT_EQ(stream.size(), kWords);
  stream[20'000] |= kPlanPost;
  std::vector<PlanWord> all;
  stream.drain([&](const PlanWord* first, std::size_t count) {
    all.insert(all.end(), first, first + count);
  });
  ASSERT_EQ(all.size(), kWords);
  for (std::uint64_t i = 0; i < kWords; ++i) {
    ASSERT_EQ(all[i], i == 20'000 ? i | kPlanPost : i);
  }
  EXPECT_EQ(stream.size(), 0U);
}

TEST(WordStreamTest, AnEmptyOneGivesNothing) {
  WordStream stream;
  std::size_t words = 0;
  stream.drain([&](const PlanWord*, std::size_t count) { words += count; });
  EXPECT_EQ(words, 0U);
}

}  // namespace
}  // namespace replay
