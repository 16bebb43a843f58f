#include "core/mem/slab_layout.h"

#include <gtest/gtest.h>

#include "core/mem/size_class.h"

namespace mem {
namespace {

std::size_t least_pages(std::size_t object, unsigned slabs) {
  std::size_t bytes = tuning::kFirstSlabBytes;
  for (unsigned i = 0; i < slabs && bytes < tuning::kMaxSlabBytes; ++i) bytes *= 2;
  bytes = bytes < 2 * object ? 2 * object : bytes;
  return (bytes + kPageBytes - 1) / kPageBytes;
}

std::size_t waste(const SlabLayout& layout, std::size_t object) {
  return layout.pages * kPageBytes - layout.capacity * object;
}

TEST(SlabLayout, EachObjectSizeFitsAndIsServedTwiceAtLeast) {
  for (std::size_t object = kStepBytes; object <= kMaxMediumBytes; object += kStepBytes) {
    for (unsigned slabs = 0; slabs < 6; ++slabs) {
      const SlabLayout layout = slab_layout(object, slabs);
      ASSERT_GE(layout.capacity, 2u) << object;
      ASSERT_LE(layout.pages, tuning::kMaxSlabPages) << object;
      ASSERT_LE(layout.capacity * object, layout.pages * kPageBytes) << object;
      ASSERT_EQ(layout.pages, slab_pages(layout.capacity, object)) << object;
      ASSERT_LT(waste(layout, object), kPageBytes) << object;
    }
  }
}

// No page count from the least on has a smaller share unused, unless 1 / 64 was good enough; and
// then no lower one was.
TEST(SlabLayout, WastesAsLittleAsItCan) {
  for (std::size_t object = kStepBytes; object <= kMaxMediumBytes; object += kStepBytes) {
    for (unsigned slabs = 0; slabs < 6; ++slabs) {
      const SlabLayout layout = slab_layout(object, slabs);
      const bool is_good = waste(layout, object) * 64 <= layout.pages * kPageBytes;
      const std::size_t least = least_pages(object, slabs);
      const std::size_t end = is_good ? layout.pages : tuning::kMaxSlabPages + 1;
      for (std::size_t pages = least; pages < end; ++pages) {
        const SlabLayout other{pages, pages * kPageBytes / object};
        ASSERT_FALSE(waste(other, object) * 64 <= pages * kPageBytes) << object << ' ' << pages;
        if (is_good) continue;
        ASSERT_LE(waste(layout, object) * pages, waste(other, object) * layout.pages)
            << object << ' ' << slabs << ' ' << pages;
      }
    }
  }
}

TEST(SlabLayout, GrowsWithTheSlabsThatABinHas) {
  EXPECT_EQ(slab_layout(16, 0).pages * kPageBytes, tuning::kFirstSlabBytes);
  EXPECT_EQ(slab_layout(16, 1).pages * kPageBytes, 2 * tuning::kFirstSlabBytes);
  EXPECT_EQ(slab_layout(16, 30).pages * kPageBytes, tuning::kMaxSlabBytes);
  EXPECT_EQ(slab_layout(16, 0).capacity, tuning::kFirstSlabBytes / 16);
}

TEST(SlabLayout, PagesAreTheLeastThatHoldTheCapacity) {
  EXPECT_EQ(slab_pages(1, 16), 1u);
  EXPECT_EQ(slab_pages(256, 16), 1u);
  EXPECT_EQ(slab_pages(257, 16), 2u);
  EXPECT_EQ(slab_pages(2, 32768), 16u);
}

}  // namespace
}  // namespace mem
