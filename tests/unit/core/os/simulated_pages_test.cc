#include "core/os/simulated_pages.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mem
