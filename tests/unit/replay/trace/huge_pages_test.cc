#include "replay/trace/huge_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace replay {
namespace {

TEST(HugePages, HoldsSmallAndLargeTables) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
    std::vector<std::uint64_t, HugePages<std::uint64_t>> table(count);
    std::iota(table.begin(), table.end(), 0U);
    EXPECT_EQ(table.back(), count - 1);
  }
}

TEST(HugePages, LargeOnesBeginAtAHugePage) {
  HugePages<char> pages;
  char* const table = pages.allocate(std::size_t{5} << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table) % (std::size_t{2} << 20), 0U);
  pages.deallocate(table, std::size_t{5} << 20);
}

TEST(HugePages, WhatCannotBeIsBadAlloc) {
  HugePages<std::uint64_t> pages;
  EXPECT_THROW(pages.allocate(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
  EXPECT_THROW(pages.allocate(std::numeric_limits<std::size_t>::max() / 8), std::bad_alloc);
}

}  // namespace
}  // namespace replay
