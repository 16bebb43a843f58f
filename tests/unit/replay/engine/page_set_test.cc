#include "replay/engine/page_set.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

const void* at(std::uintptr_t page, std::uintptr_t offset = 0) {
  return reinterpret_cast<const void*>(page * 4096 + offset);
}

struct PageSetTest : ::testing::Test {
  void SetUp() override {
    if (!pages.prepare()) GTEST_SKIP() << "the address space is limited";
  }
  PageSet pages;
};

TEST_F(PageSetTest, APageIsNewOnce) {
  EXPECT_TRUE(pages.add(at(1000), 64));
  EXPECT_FALSE(pages.add(at(1000, 4000), 96));
  EXPECT_TRUE(pages.add(at(1000, 4000), 97));  // one byte on the next page
  EXPECT_FALSE(pages.add(at(1001), 4096));
  EXPECT_TRUE(pages.add(at(1002), 0));  // stands there all the same
}

TEST_F(PageSetTest, OneNewPageAmongManyIsEnough) {
  EXPECT_TRUE(pages.add(at(5000), 300 * 4096));
  EXPECT_FALSE(pages.add(at(5000), 300 * 4096));
  EXPECT_TRUE(pages.add(at(4999), 302 * 4096));
  EXPECT_FALSE(pages.add(at(5300), 1));
  EXPECT_TRUE(pages.add(at(5301), 1));
}

TEST_F(PageSetTest, NoObjectIsNoPage) { EXPECT_FALSE(pages.add(nullptr, 4096)); }

TEST(PageSetWithoutMemoryTest, NothingIsNew) {
  PageSet unprepared;
  EXPECT_FALSE(unprepared.add(at(1), 1));
}

}  // namespace
}  // namespace replay
