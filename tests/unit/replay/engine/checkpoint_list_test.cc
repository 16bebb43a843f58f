#include "replay/engine/checkpoint_list.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(CheckpointListTest, AFewAreAllKept) {
  CheckpointList list;
  for (std::uint64_t i = 0; i < 10; ++i) list.offer({i, 2 * i, i, {3 * i}});
  const std::vector<Checkpoint> all = list.take();
  ASSERT_EQ(all.size(), 10U);
  EXPECT_EQ(all[7].live_bytes, 14U);
  EXPECT_EQ(all[7].words[0], 21U);
}

TEST(CheckpointListTest, ManyAreThinnedEvenlyAndTheFirstStays) {
  CheckpointList list;
  for (std::uint64_t i = 100; i < 1'000'000; ++i) list.offer({i, 0, 0, {}});
  const std::vector<Checkpoint> all = list.take();
  EXPECT_GE(all.size(), 256U);
  EXPECT_LE(all.size(), 512U);
  EXPECT_EQ(all[0].event, 100U);
  const std::uint64_t stride = all[1].event - all[0].event;
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(all[i].event - all[i - 1].event, stride);
  }
}

}  // namespace
}  // namespace replay
