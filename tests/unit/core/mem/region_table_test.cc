#include "core/mem/region_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "core/os/simulated_pages.h"

namespace mem {
namespace {

class RegionTableTest : public testing::Test {
 protected:
  Region* create(std::size_t page_count) {
    void* p = pages_->map(page_count * kPageBytes, 0, 0);
    return Region::create(p, page_count * kPageBytes, Region::kHeaderBytes);
  }
  std::unique_ptr<SimulatedPages> pages_ = std::make_unique<SimulatedPages>();
  RegionTable table_;
};

TEST_F(RegionTableTest, FindsEachByteAndNothingBeside) {
  Region* a = create(2);
  create(1);  // a hole
  Region* c = create(1);
  for (Region* region : {c, a}) {
    ASSERT_TRUE(table_.reserve(*pages_));
    table_.insert(region);
  }
  EXPECT_EQ(table_.find(a->base()), a);
  EXPECT_EQ(table_.find(a->base() + 2 * kPageBytes - 1), a);
  EXPECT_EQ(table_.find(a->base() + 2 * kPageBytes), nullptr);
  EXPECT_EQ(table_.find(c->base()), c);
  EXPECT_EQ(table_.find(c->base() - 1), nullptr);
  EXPECT_EQ(table_.find(0), nullptr);
  EXPECT_EQ(table_.find(UINTPTR_MAX), nullptr);
  table_.remove(a->base());
  EXPECT_EQ(table_.find(a->base()), nullptr);
  EXPECT_EQ(table_.find(c->base() + 7), c);
}

TEST_F(RegionTableTest, GrowsAndStaysSorted) {
  std::vector<Region*> regions;
  for (int i = 0; i < 1000; ++i) regions.push_back(create(1));
  std::shuffle(regions.begin(), regions.end(), std::mt19937(7));
  for (Region* region : regions) {
    ASSERT_TRUE(table_.reserve(*pages_));
    table_.insert(region);
  }
  EXPECT_EQ(table_.count(), 1000u);
  EXPECT_EQ(table_.pages(), 4u);  // 1000 rows of 16 bytes
  for (std::size_t i = 1; i < table_.count(); ++i)
    ASSERT_LT(table_.row(i - 1).end, table_.row(i).base + 1);
  for (std::size_t i = 0; i < 1000; i += 2) table_.remove(regions[i]->base());
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(table_.find(regions[i]->base() + 99), i % 2 == 0 ? nullptr : regions[i]);
  }
}

TEST_F(RegionTableTest, SaysWhenThereIsNoRoom) {
  pages_->fail_every(PageCall::kMap, 1);
  EXPECT_FALSE(table_.reserve(*pages_));
  EXPECT_EQ(table_.pages(), 0u);
}

}  // namespace
}  // namespace mem
