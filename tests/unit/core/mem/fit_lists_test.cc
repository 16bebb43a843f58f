#include "core/mem/fit_lists.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace mem {
namespace {

class FitListsTest : public testing::Test {
 protected:
  FitTable& add(std::size_t granules) {
    tables_.push_back(std::make_unique<FitTable>());
    FitTable& table = *tables_.back();
    table.open(&span_, granules);
    lists_.insert(&table);
    return table;
  }
  void take(FitTable& table, std::size_t count) { table.take(table.find(count), count); }
  void give(FitTable& table, std::size_t first) {
    const std::size_t longest = table.longest;
    table.give(first, table.size_of(first));
    lists_.update(&table, longest);
  }
  std::size_t listed() {
    std::size_t count = 0;
    lists_.for_each([&](FitTable&) { ++count; });
    return count;
  }

  Span span_;
  FitLists lists_;
  std::vector<std::unique_ptr<FitTable>> tables_;
};

TEST_F(FitListsTest, ListsAreInTheOrderOfTheSizes) {
  for (std::size_t granules = 1; granules <= FitTable::kMaxGranules; ++granules) {
    const unsigned before = granules_class(granules - 1);
    const unsigned list = granules_class(granules);
    ASSERT_TRUE(list == before || list == before + 1) << granules;
    ASSERT_LT(list, 45u);
  }
  // 4 a doubling
  EXPECT_EQ(granules_class(128) - granules_class(64), 4u);
  EXPECT_NE(granules_class(80), granules_class(64));
}

TEST_F(FitListsTest, FindsNothingInNothing) {
  EXPECT_EQ(lists_.find(1).table, nullptr);
  FitTable& table = add(256);
  EXPECT_EQ(lists_.find(257).table, nullptr);
  lists_.remove(&table);
  EXPECT_EQ(lists_.find(1).table, nullptr);
  EXPECT_EQ(listed(), 0u);
}

TEST_F(FitListsTest, PrefersTheTableWhoseLargestGapIsNotMuchLarger) {
  FitTable& large = add(2048);
  FitTable& small = add(256);
  EXPECT_EQ(lists_.find(200).table, &small);
  EXPECT_EQ(lists_.find(256).table, &small);
  EXPECT_EQ(lists_.find(257).table, &large);
}

TEST_F(FitListsTest, LearnsThatATableHasNoSuchGap) {
  FitTable& table = add(256);
  for (int i = 0; i < 4; ++i) take(table, 64);
  EXPECT_EQ(table.longest, 256u);  // as far as it is known
  EXPECT_EQ(lists_.find(100).table, nullptr);
  EXPECT_EQ(table.longest, 99u);
  EXPECT_EQ(lists_.find(1).table, nullptr);
  EXPECT_EQ(table.longest, 0u);
  give(table, 64);
  EXPECT_EQ(table.longest, 64u);
  const FitLists::Gap gap = lists_.find(64);
  EXPECT_EQ(gap.table, &table);
  EXPECT_EQ(gap.first, 64u);
}

// Else each smaller size that is asked for would look at the table again.
TEST_F(FitListsTest, LearnsHowWideTheLargestGapIs) {
  FitTable& table = add(2048);
  table.take(0, 700);
  table.take(1200, 848);
  EXPECT_EQ(lists_.find(2000).table, nullptr);
  EXPECT_EQ(table.longest, 500u);
  table.take(table.find(450), 450);
  EXPECT_EQ(lists_.find(500).table, nullptr);
  EXPECT_EQ(table.longest, 126u);  // as narrow gaps may be
  EXPECT_EQ(lists_.find(50).first, 1150u);
}

TEST_F(FitListsTest, AnUpdateMovesBothWays) {
  FitTable& a = add(256);
  FitTable& b = add(256);
  FitTable& c = add(256);
  for (FitTable* table : {&b, &a, &c}) {
    take(*table, 256);
    const std::size_t before = table->longest;
    table->longest = 0;
    lists_.update(table, before);
  }
  EXPECT_EQ(lists_.find(1).table, nullptr);
  EXPECT_EQ(listed(), 3u);
  give(b, 0);
  EXPECT_EQ(lists_.find(256).table, &b);
  EXPECT_EQ(listed(), 3u);
}

// A gap that is there is found, unless it hides among more tables of the same list than are looked
// at, which may hide only gaps that are hardly large enough.
TEST_F(FitListsTest, AgreesWithTheTablesUnderRandomOperations) {
  std::mt19937 random(5);
  std::vector<std::map<std::size_t, std::size_t>> objects;
  for (int i = 0; i < 6; ++i) {
    add(256 * (1 + random() % 4));
    objects.emplace_back();
  }
  for (int i = 0; i < 20000; ++i) {
    if (random() % 2 == 0) {
      const std::size_t count = 1 + random() % (random() % 4 == 0 ? 300 : 40);
      const FitLists::Gap gap = lists_.find(count);
      if (gap.table == nullptr) {
        for (const auto& table : tables_) {
          if (table->find(count) == FitTable::kNone) continue;
          ASSERT_EQ(granules_class(table->longest), granules_class(count)) << count;
        }
        continue;
      }
      ASSERT_EQ(gap.first, gap.table->find(count));
      gap.table->take(gap.first, count);
      for (std::size_t t = 0; t < tables_.size(); ++t) {
        if (tables_[t].get() == gap.table) objects[t][gap.first] = count;
      }
    } else {
      const std::size_t t = random() % tables_.size();
      if (objects[t].empty()) continue;
      auto object = objects[t].begin();
      std::advance(object, random() % objects[t].size());
      give(*tables_[t], object->first);
      objects[t].erase(object);
    }
    ASSERT_EQ(listed(), tables_.size());
    for (const auto& table : tables_) ASSERT_EQ(table->check(), 0);
  }
}

}  // namespace
}  // namespace mem
