#include "replay/floor/floor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::aligned_of;
using test::free_of;
using test::malloc_of;
using test::realloc_of;

class FloorTest : public testing::Test {
 protected:
  Floor floor_of(const std::vector<Event>& events, const FloorOptions& options = {}) {
    TraceReader reader(test::write_trace(folder_ / "t.trace", events));
    return find_floor(reader, options, [](double, const char*) {});
  }

  test::TempFolder folder_;
};

TEST_F(FloorTest, PeaksAreOfWhatIsLiveAfterEachEvent) {
  const Floor floor = floor_of({malloc_of(0, 100), malloc_of(1, 5000), realloc_of(1, 6000),
                                malloc_of(2, 0), realloc_of(1, 10), free_of(0)});
  EXPECT_EQ(floor.live_bytes.amount, 6100U);
  EXPECT_EQ(floor.live_bytes.event, 2U);
  EXPECT_EQ(floor.pages_of(floor.live_bytes.amount), 2U);
  EXPECT_EQ(floor.aligned_bytes.amount, 6000U + 112 + 16) << "even nothing has its address";
  EXPECT_EQ(floor.aligned_bytes.event, 3U);
  EXPECT_EQ(floor.lives, 5U);
  EXPECT_EQ(floor.first_event, 0U);
  EXPECT_EQ(floor.last_event, 6U);
}

TEST_F(FloorTest, AResizeMayMoveForNothing) {
  // In place, the second could only grow above the third.
  const Floor floor = floor_of({malloc_of(0, 4096), malloc_of(1, 4096), malloc_of(2, 4096),
                                free_of(0), realloc_of(1, 8192), free_of(1), free_of(2)});
  EXPECT_EQ(floor.live_bytes.amount, 3 * 4096U);
  EXPECT_EQ(floor.packing_bytes(), 3 * 4096U);
  EXPECT_EQ(floor.packing.size.pages, 3U);
}

TEST_F(FloorTest, AlignmentIsKeptUntilAResize) {
  const Floor kept =
      floor_of({malloc_of(0, 16), aligned_of(1, 16, 12), malloc_of(2, 16), aligned_of(3, 16, 12)});
  EXPECT_EQ(kept.packing_bytes(), 4096U + 16);
  const Floor lost = floor_of({aligned_of(0, 16, 12), realloc_of(0, 32), aligned_of(1, 16, 12)});
  EXPECT_EQ(lost.packing_bytes(), 48U);
}

TEST_F(FloorTest, ClassesRoundUpAndPagesHoldOneClass) {
  const Floor floor =
      floor_of({malloc_of(0, 1), malloc_of(1, 16), malloc_of(2, 17), malloc_of(3, 5000),
                malloc_of(4, 2000), malloc_of(5, 3000), malloc_of(6, 3000), free_of(3)},
               {.tables = {parse_class_table("16,32,3000"), parse_class_table("8192")}});
  ASSERT_EQ(floor.classes.size(), 2U);
  EXPECT_EQ(floor.classes[0].table, "16,32,3000");
  EXPECT_EQ(floor.classes[0].bytes.amount, 16U + 16 + 32 + 8192 + 3 * 3000);
  EXPECT_EQ(floor.classes[0].bytes.event, 6U);
  EXPECT_EQ(floor.classes[0].pages.amount, 1U + 1 + 2 + 3);
  EXPECT_EQ(floor.classes[1].bytes.amount, 7 * 8192U);
  EXPECT_EQ(floor.classes[1].pages.amount, 14U);
}

TEST_F(FloorTest, OfAWindowWhatWasLiveBeforeCounts) {
  const std::vector<Event> events = {malloc_of(0, 1000), malloc_of(1, 64), malloc_of(2, 1600),
                                     free_of(2),         malloc_of(3, 48), free_of(1)};
  const Floor floor = floor_of(events, {.from = 4, .to = 5});
  EXPECT_EQ(floor.live_bytes.amount, 1112U);
  EXPECT_EQ(floor.live_bytes.event, 4U);
  EXPECT_EQ(floor.lives, 3U);
  EXPECT_EQ(floor.packing_bytes(), 1008U + 64 + 48);
  EXPECT_EQ(floor.last_event, 5U);
  const Floor falling = floor_of(events, {.from = 5});
  EXPECT_EQ(falling.live_bytes.amount, 1112U);
  EXPECT_EQ(falling.live_bytes.event, 4U) << "as it begins, after the event before";
}

TEST_F(FloorTest, AWindowBeyondTheEndIsAnError) {
  EXPECT_THAT(test::error_of([&] { floor_of({malloc_of(0, 1)}, {.from = 1}); }),
              testing::HasSubstr("no event in 1:"));
}

TEST_F(FloorTest, NoPackingIsBelowTheBoundsOfARandomTrace) {
  std::vector<Event> events = test::random_events(3, 4000);
  for (Event& event : events) {
    event.size %= 100000;
    event.align_log2 %= 13;
  }
  const Floor floor = floor_of(events, {.tables = {parse_class_table("mem")}});
  std::uint64_t live = 0;
  std::uint64_t most = 0;
  std::vector<std::uint64_t> sizes;
  for (const Event& event : events) {
    if (is_birth(event.op)) sizes.push_back(0);
    live += event.size - sizes[event.object];
    sizes[event.object] = event.size;
    most = std::max(most, live);
  }
  EXPECT_EQ(floor.live_bytes.amount, most);
  EXPECT_GE(floor.aligned_bytes.amount, floor.live_bytes.amount);
  EXPECT_GE(floor.packing_bytes(), floor.aligned_bytes.amount);
  EXPECT_GE(floor.packing.size.pages, floor.pages_of(floor.aligned_bytes.amount));
  EXPECT_LE(floor.packing.size.pages * floor.page_bytes, floor.aligned_bytes.amount * 11 / 10);
  EXPECT_GE(floor.classes[0].bytes.amount, floor.aligned_bytes.amount);
  EXPECT_GE(floor.classes[0].pages.amount, floor.pages_of(floor.classes[0].bytes.amount));
}

}  // namespace
}  // namespace replay
