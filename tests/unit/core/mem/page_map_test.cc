#include "core/mem/page_map.h"

#include <gtest/gtest.h>

#include <vector>

namespace mem {
namespace {

// The map alone: the pages that it speaks of need not be there.
class PageMapTest : public testing::Test {
 protected:
  static constexpr std::size_t kPages = 64;
  PageMapTest() { map_.init(base(), kPages); }

  std::uintptr_t base() const { return reinterpret_cast<std::uintptr_t>(entries_.data()); }
  const void* at(std::size_t offset) const {
    return reinterpret_cast<const void*>(base() + offset);
  }

  std::vector<Span*> entries_ = std::vector<Span*>(kPages);
  PageMap map_;
};

TEST_F(PageMapTest, NothingIsFoundBeforeThereIsAWindow) {
  const PageMap early;
  EXPECT_EQ(early.pages(), 0u);
  EXPECT_EQ(early.find(nullptr), nullptr);
  EXPECT_EQ(early.find(&early), nullptr);
  EXPECT_EQ(early.find(reinterpret_cast<const void*>(UINTPTR_MAX)), nullptr);
}

TEST_F(PageMapTest, EachByteLeadsToTheSpanOfItsPage) {
  Span a;
  Span b;
  map_.set(3, 2, &a);
  map_.set(5, 1, &b);
  EXPECT_EQ(map_.find(at(3 * kPageBytes - 1)), nullptr);
  EXPECT_EQ(map_.find(at(3 * kPageBytes)), &a);
  EXPECT_EQ(map_.find(at(5 * kPageBytes - 1)), &a);
  EXPECT_EQ(map_.find(at(5 * kPageBytes)), &b);
  EXPECT_EQ(map_.find(at(6 * kPageBytes - 1)), &b);
  EXPECT_EQ(map_.find(at(6 * kPageBytes)), nullptr);
  EXPECT_EQ(map_.at(4), &a);
  map_.set(4, 1, nullptr);
  EXPECT_EQ(map_.at(3), &a);
  EXPECT_EQ(map_.at(4), nullptr);
  EXPECT_EQ(map_.at(5), &b);
}

TEST_F(PageMapTest, NothingIsFoundOutsideTheWindow) {
  Span span;
  map_.set(0, kPages, &span);
  EXPECT_EQ(map_.find(at(0)), &span);
  EXPECT_EQ(map_.find(at(kPages * kPageBytes - 1)), &span);
  EXPECT_EQ(map_.find(at(kPages * kPageBytes)), nullptr);
  EXPECT_EQ(map_.find(reinterpret_cast<const void*>(base() - 1)), nullptr);
  EXPECT_EQ(map_.find(nullptr), nullptr);
  EXPECT_EQ(map_.find(reinterpret_cast<const void*>(UINTPTR_MAX)), nullptr);
}

TEST_F(PageMapTest, PagesAndAddressesAreEachOthersInverse) {
  for (std::size_t page = 0; page < kPages; ++page) {
    const auto* p = reinterpret_cast<const std::byte*>(map_.address_of(page));
    EXPECT_EQ(map_.page_of(p), page);
    EXPECT_EQ(map_.page_of(p + kPageBytes - 1), page);
    EXPECT_EQ(map_.entry_address(page), entries_.data() + page);
  }
  EXPECT_GE(map_.page_of(reinterpret_cast<const void*>(base() - 1)), map_.pages());
  EXPECT_EQ(map_.base(), base());
}

}  // namespace
}  // namespace mem
