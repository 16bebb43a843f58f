#include "core/os/simulated_pages.h"

#include <gtest/gtest.h>
#include <string.h>

#include <cstdint>
#include <memory>

#include "core/base/bits.h"

namespace mem {
namespace {

class SimulatedPagesTest : public testing::Test {
 protected:
  unsigned char* map(std::size_t count) {
    return static_cast<unsigned char*>(pages_->map(count * kPageBytes, 0, 0));
  }
  std::unique_ptr<SimulatedPages> pages_ = std::make_unique<SimulatedPages>();
};

TEST_F(SimulatedPagesTest, HandsOutTheLowestPagesAndCounts) {
  unsigned char* a = map(2);
  unsigned char* b = map(1);
  EXPECT_EQ(b, a + 2 * kPageBytes);
  EXPECT_EQ(pages_->pages_held(), 3u);
  a[0] = 7;
  EXPECT_TRUE(pages_->unmap(a, 2 * kPageBytes));
  EXPECT_EQ(map(1), a);
  EXPECT_EQ(a[0], 0);
  EXPECT_EQ(pages_->calls(PageCall::kMap), 3u);
  EXPECT_EQ(pages_->calls(PageCall::kUnmap), 1u);
  EXPECT_EQ(pages_->pages_held(), 2u);
}

TEST_F(SimulatedPagesTest, FailsByChance) {
  pages_->fail_one_in(PageCall::kMap, 4);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) refused += map(1) == nullptr ? 1 : 0;
  EXPECT_GT(refused, 200);
  EXPECT_LT(refused, 300);
  EXPECT_EQ(pages_->refusals(PageCall::kMap), static_cast<std::uint64_t>(refused));
  pages_->fail_one_in(PageCall::kMap, 0);
  for (int i = 0; i < 100; ++i) EXPECT_NE(map(1), nullptr);
}

TEST_F(SimulatedPagesTest, FailsOnRequest) {
  pages_->fail_every(PageCall::kMap, 2);
  EXPECT_NE(map(1), nullptr);
  EXPECT_EQ(map(1), nullptr);
  EXPECT_NE(map(1), nullptr);
  pages_->fail_every(PageCall::kMap, 0);
  unsigned char* p = map(1);
  pages_->fail_every(PageCall::kUnmap, 1);
  pages_->fail_every(PageCall::kDiscard, 1);
  pages_->fail_every(PageCall::kRemap, 1);
  EXPECT_FALSE(pages_->unmap(p, kPageBytes));
  EXPECT_FALSE(pages_->discard(p, kPageBytes));
  EXPECT_EQ(pages_->remap(p, kPageBytes, 2 * kPageBytes), nullptr);
}

TEST_F(SimulatedPagesTest, AlignsAndRemaps) {
  void* aligned = pages_->map(kPageBytes, 1 << 20, kPageBytes);
  EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(aligned) + kPageBytes, 1 << 20));
  unsigned char* p = map(1);
  p[3] = 4;
  unsigned char* blocker = map(1);
  auto* q = static_cast<unsigned char*>(pages_->remap(p, kPageBytes, 3 * kPageBytes));
  EXPECT_NE(q, p);
  EXPECT_EQ(q[3], 4);
  EXPECT_EQ(pages_->remap(q, 3 * kPageBytes, kPageBytes), q);
  EXPECT_EQ(pages_->pages_held(), 3u);
  pages_->unmap(blocker, kPageBytes);
}

TEST_F(SimulatedPagesTest, RunsOut) {
  EXPECT_NE(map(SimulatedPages::kArenaPages), nullptr);
  EXPECT_EQ(map(1), nullptr);
}

TEST_F(SimulatedPagesTest, ReservesAtAHintThatIsFreeAndElsewhereIfNot) {
  unsigned char* a = map(1);
  unsigned char* hint = a + 100 * kPageBytes;
  EXPECT_EQ(pages_->reserve(hint, 3 * kPageBytes, Access::kNone), hint);
  EXPECT_EQ(pages_->pages_held(), 4u);
  EXPECT_EQ(pages_->reserve(hint + 2 * kPageBytes, kPageBytes, Access::kNone), a + kPageBytes);
  EXPECT_EQ(pages_->reserve(nullptr, kPageBytes, Access::kRead), a + 2 * kPageBytes);
  unsigned char* outside = a + SimulatedPages::kArenaPages * kPageBytes;
  EXPECT_EQ(pages_->reserve(outside, kPageBytes, Access::kNone), a + 3 * kPageBytes);
  EXPECT_EQ(pages_->reserve(outside - kPageBytes, 2 * kPageBytes, Access::kNone),
            a + 4 * kPageBytes);
  EXPECT_EQ(pages_->calls(PageCall::kReserve), 5u);
  EXPECT_TRUE(pages_->unmap(hint, 3 * kPageBytes));
  EXPECT_EQ(pages_->reserve(hint, kPageBytes, Access::kNone), hint);
}

TEST_F(SimulatedPagesTest, CommitsWhatIsReserved) {
  auto* p = static_cast<unsigned char*>(pages_->reserve(nullptr, 2 * kPageBytes, Access::kNone));
  EXPECT_TRUE(pages_->commit(p, 2 * kPageBytes));
  EXPECT_EQ(pages_->calls(PageCall::kCommit), 1u);
  EXPECT_EQ(p[2 * kPageBytes - 1], 0);
  p[0] = 1;
}

TEST_F(SimulatedPagesTest, MovesPagesAndLeavesZeroes) {
  unsigned char* from = map(3);
  unsigned char* to = map(3);
  memset(from, 5, 3 * kPageBytes);
  memset(to, 6, 3 * kPageBytes);
  EXPECT_TRUE(pages_->move_pages(from, to, 2 * kPageBytes));
  for (std::size_t i = 0; i < 2 * kPageBytes; ++i) {
    ASSERT_EQ(to[i], 5);
    ASSERT_EQ(from[i], 0);
  }
  EXPECT_EQ(to[2 * kPageBytes], 6);
  EXPECT_EQ(from[2 * kPageBytes], 5);
  EXPECT_EQ(pages_->calls(PageCall::kMove), 1u);
  EXPECT_EQ(pages_->pages_held(), 6u);
}

TEST_F(SimulatedPagesTest, RefusesAddressSpaceOnRequest) {
  unsigned char* p = map(2);
  memset(p, 3, 2 * kPageBytes);
  p[kPageBytes] = 4;
  for (const PageCall kind : {PageCall::kReserve, PageCall::kCommit, PageCall::kMove}) {
    pages_->fail_every(kind, 1);
  }
  EXPECT_EQ(pages_->reserve(nullptr, kPageBytes, Access::kNone), nullptr);
  EXPECT_FALSE(pages_->commit(p, kPageBytes));
  EXPECT_FALSE(pages_->move_pages(p, p + kPageBytes, kPageBytes));
  EXPECT_EQ(p[0], 3);
  EXPECT_EQ(p[kPageBytes], 0);
  EXPECT_EQ(pages_->pages_held(), 2u);
}

TEST_F(SimulatedPagesTest, ItsClockStandsUntilItIsMoved) {
  const std::uint64_t now = pages_->now_ms();
  EXPECT_EQ(pages_->now_ms(), now);
  pages_->advance_ms(100);
  EXPECT_EQ(pages_->now_ms(), now + 100);
}

TEST_F(SimulatedPagesTest, ItsLimitIsItsArena) {
  EXPECT_EQ(pages_->address_limit(), SimulatedPages::kArenaPages * kPageBytes);
}

}  // namespace
}  // namespace mem
