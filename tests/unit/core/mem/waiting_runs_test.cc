#include "core/mem/waiting_runs.h"

#include <gtest/gtest.h>

#include <memory>
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
    runs_.put(span);
    return span;
  }

  WaitingRuns runs_;
  std::vector<std::unique_ptr<Span>> spans_;
};

TEST_F(WaitingRunsTest, StartsEmpty) {
  EXPECT_EQ(runs_.pages(), 0u);
  EXPECT_EQ(runs_.take(20), nullptr);
  EXPECT_EQ(runs_.take_any(), nullptr);
}

TEST_F(WaitingRunsTest, GivesTheLastOfAsManyPages) {
  Span* first = put(20);
  put(21);
  Span* second = put(20);
  EXPECT_EQ(runs_.pages(), 61u);
  EXPECT_EQ(runs_.take(19), nullptr);
  EXPECT_EQ(runs_.take(20), second);
  EXPECT_EQ(runs_.take(20), first);
  EXPECT_EQ(runs_.take(20), nullptr);
  EXPECT_EQ(runs_.pages(), 21u);
}

TEST_F(WaitingRunsTest, TellsSizesOfOneListApart) {
  Span* small = put(20);
  Span* large = put(20 + 64);
  EXPECT_EQ(runs_.take(20 + 128), nullptr);
  EXPECT_EQ(runs_.take(20), small);
  EXPECT_EQ(runs_.take(20), nullptr);
  EXPECT_EQ(runs_.take(20 + 64), large);
  EXPECT_EQ(runs_.pages(), 0u);
}

TEST_F(WaitingRunsTest, LooksAtEightAtMost) {
  put(20);
  for (int i = 0; i < 7; ++i) put(20 + 64);
  EXPECT_NE(runs_.take(20), nullptr);
  put(20);
  for (int i = 0; i < 8; ++i) put(20 + 128);
  EXPECT_EQ(runs_.take(20), nullptr);
}

TEST_F(WaitingRunsTest, GivesUpOneThatIsNamed) {
  Span* first = put(30);
  Span* second = put(30);
  Span* third = put(30);
  runs_.remove(second);
  EXPECT_EQ(runs_.pages(), 60u);
  EXPECT_EQ(runs_.take(30), third);
  EXPECT_EQ(runs_.take(30), first);
  EXPECT_EQ(runs_.take_any(), nullptr);
}

TEST_F(WaitingRunsTest, GivesAllOfThem) {
  std::set<Span*> put_in;
  for (std::uint32_t pages = 9; pages < 300; pages += 3) put_in.insert(put(pages));
  std::set<Span*> taken;
  while (Span* span = runs_.take_any()) taken.insert(span);
  EXPECT_EQ(taken, put_in);
  EXPECT_EQ(runs_.pages(), 0u);
}

}  // namespace
}  // namespace mem
