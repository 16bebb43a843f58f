#include "replay/engine/slot_table.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace replay {
namespace {

void free_at(SlotTable& table, std::uint32_t slot, PlanPlace place) {
  table[slot].last = place;
  table.give_back(slot);
}

TEST(SlotTableTest, OneLaneHasNoMoreSlotsThanObjects) {
  SlotTable table(1);
  EXPECT_EQ(table.take(0).slot, 0U);
  EXPECT_EQ(table.take(0).slot, 1U);
  free_at(table, 0, {0, 7});
  EXPECT_EQ(table.take(0).slot, 0U);
  EXPECT_EQ(table.size(), 2U);
}

// The objects are made by lanes in turn and freed by another one, all or all but a few at a time.
TEST(SlotTableTest, ItIsNeverLargerThanItSays) {
  for (const std::uint32_t lanes : {1U, 2U, 5U}) {
    for (const std::uint64_t objects : {1U, 10U, 3000U}) {
      SlotTable table(lanes);
      std::vector<std::uint32_t> live;
      for (std::uint64_t turn = 0; turn < 20; ++turn) {
        while (live.size() < objects) {
          live.push_back(table.take(static_cast<std::uint32_t>(live.size()) % lanes).slot);
        }
        const std::uint32_t last = lanes - 1;
        while (live.size() > turn % 3) {
          free_at(table, live.back(), {last, turn});
          live.pop_back();
        }
      }
      EXPECT_LE(table.size(), SlotTable::most(objects, lanes));
      EXPECT_GE(table.size(), objects);
    }
  }
}

TEST(SlotTableTest, TheSlotFreedLastIsTakenFirst) {
  SlotTable table(1);
  for (int i = 0; i < 3; ++i) table.take(0);
  free_at(table, 1, {0, 1});
  free_at(table, 0, {0, 2});
  EXPECT_EQ(table.take(0).slot, 0U);
  EXPECT_EQ(table.take(0).slot, 1U);
}

TEST(SlotTableTest, LanesKeepTheirOwnSlotsAndNeedNotWait) {
  SlotTable table(2);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> live;  // lane, slot
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const auto lane = static_cast<std::uint32_t>(i % 2);
    const SlotTable::Taken taken = table.take(lane);
    EXPECT_FALSE(taken.after_another);
    live.emplace_back(lane, taken.slot);
    if (live.size() > 20) {
      free_at(table, live.front().second, {live.front().first, i});
      live.erase(live.begin());
    }
  }
}

TEST(SlotTableTest, NewSlotsOfTwoLanesShareNoCacheLine) {
  SlotTable table(2);
  std::set<std::uint32_t> lines[2];
  for (std::uint32_t i = 0; i < 100; ++i) {
    lines[i % 2].insert(table.take(i % 2).slot / 8);
  }
  for (const std::uint32_t line : lines[0]) EXPECT_EQ(lines[1].count(line), 0U);
}

// Lane 0 makes and lane 1 frees.
TEST(SlotTableTest, HandingOverKeepsTheTableSmallAndWaitsFew) {
  SlotTable table(2);
  std::vector<std::uint32_t> live;
  std::uint64_t waits = 0;
  constexpr std::uint64_t kObjects = 100'000;
  constexpr std::size_t kLive = 1000;
  for (std::uint64_t i = 0; i < kObjects; ++i) {
    const SlotTable::Taken taken = table.take(0);
    if (taken.after_another) {
      ++waits;
      EXPECT_EQ(taken.after.lane, 1U);
      EXPECT_LT(taken.after.word, i);
    }
    live.push_back(taken.slot);
    if (live.size() > kLive) {
      free_at(table, live[live.size() - kLive - 1], {1, i});
    }
  }
  EXPECT_LE(table.size(), 2 * kLive + 400);
  EXPECT_LE(waits, kObjects / 200);
  EXPECT_GT(waits, 0U);
}

TEST(SlotTableTest, WhoTakesManyWaitsForTheLastFreedOfThem) {
  SlotTable table(2);
  std::vector<std::uint32_t> slots;
  for (int i = 0; i < 1000; ++i) slots.push_back(table.take(0).slot);
  for (std::uint64_t i = 0; i < slots.size(); ++i) free_at(table, slots[i], {1, i});
  std::uint64_t known = 0;
  for (int i = 0; i < 2000; ++i) {
    const SlotTable::Taken taken = table.take(0);
    if (taken.after_another) known = taken.after.word + 1;
    const PlanPlace last = table[taken.slot].last;
    if (last.lane == 1) {
      EXPECT_LT(last.word, known);
    }
    table[taken.slot].last = {0, 0};
  }
}

}  // namespace
}  // namespace replay
