#include "replay/gen/emitter.h"

#include <gtest/gtest.h>

namespace replay::gen {
namespace {

std::vector<Event> events_of(const std::function<void(Emitter&)>& make) {
  std::vector<Event> events;
  Emitter out([&](std::span<const Event> block) {
    events.insert(events.end(), block.begin(), block.end());
  });
  make(out);
  out.flush();
  return events;
}

TEST(EmitterTest, NumbersObjectsAndThreadsAsTheyAppear) {
  const auto events = events_of([](Emitter& out) {
    out.set_thread(5);  // makes no call
    out.set_thread(7);
    const auto a = out.malloc(10);
    out.set_thread(3);
    const auto b = out.birth(Op::kAligned, 20, 6);
    out.resize(a, 30);
    out.set_thread(7);
    out.free(b);
  });
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0], (Event{0, 0, 10, 0, Op::kMalloc, 0}));
  EXPECT_EQ(events[1], (Event{100, 1, 20, 1, Op::kAligned, 6}));
  EXPECT_EQ(events[2], (Event{200, 0, 30, 1, Op::kRealloc, 0}));
  EXPECT_EQ(events[3], (Event{300, 1, 0, 0, Op::kFree, 0}));
}

TEST(EmitterTest, TimeAdvancesAndNeverGoesBack) {
  const auto events = events_of([](Emitter& out) {
    out.set_thread(0);
    out.malloc(1);
    out.advance(1000);
    out.malloc(1);
    out.advance_to(500);
    out.malloc(1);
    out.advance_to(5000);
    out.malloc(1);
  });
  EXPECT_EQ(events[1].time_ns, 1100U);
  EXPECT_EQ(events[2].time_ns, 1200U);
  EXPECT_EQ(events[3].time_ns, 5000U);
}

TEST(EmitterTest, HandsOnWholeBlocks) {
  std::size_t blocks = 0;
  Emitter out([&](std::span<const Event>) { ++blocks; });
  for (int i = 0; i < 10000; ++i) out.malloc(1);
  EXPECT_EQ(blocks, 2U);
  out.flush();
  EXPECT_EQ(blocks, 3U);
  EXPECT_EQ(out.events(), 10000U);
}

}  // namespace
}  // namespace replay::gen
