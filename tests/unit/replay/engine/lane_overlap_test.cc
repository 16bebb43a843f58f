#include "replay/engine/lane_overlap.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(LaneOverlapTest, CountsTheTimeThatTwoOrMoreRan) {
  LaneOverlap overlap;
  std::uint64_t now = 100;
  const auto change = [&](int running) { return overlap.change(running, [&] { return now; }); };
  EXPECT_EQ(change(+1).overlapped_ns, 0U);
  now = 110;
  EXPECT_EQ(change(+1).overlapped_ns, 0U);  // two from here
  now = 130;
  EXPECT_EQ(change(+1).overlapped_ns, 20U);  // three
  now = 135;
  EXPECT_EQ(change(-1).overlapped_ns, 25U);  // two
  now = 140;
  const LaneOverlap::Moment last_but_one = change(-1);
  EXPECT_EQ(last_but_one.overlapped_ns, 30U);
  EXPECT_EQ(last_but_one.now_ns, 140U);
  now = 1000;
  EXPECT_EQ(change(-1).overlapped_ns, 30U);
}

}  // namespace
}  // namespace replay
