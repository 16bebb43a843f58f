#include "core/mem/region.h"

#include <gtest/gtest.h>

#include "core/base/bits.h"

namespace mem {
namespace {

TEST(Region, LaysOutHeaderRoomAndSentinel) {
  alignas(kPageBytes) static unsigned char memory[2 * kPageBytes];
  Region* region = Region::create(memory, kPageBytes, Region::kHeaderBytes);
  EXPECT_EQ(region->base(), reinterpret_cast<std::uintptr_t>(memory));
  EXPECT_EQ(region->first()->address(), region->base() + 32);
  EXPECT_EQ(region->sentinel()->address(), region->base() + kPageBytes - 16);
  EXPECT_EQ(region->room(), kPageBytes - 48);
  EXPECT_EQ(region->sentinel()->prev_size(), region->room());
  EXPECT_TRUE(region->sentinel()->is_used());
  EXPECT_TRUE(region->is_intact());
  EXPECT_EQ(region->touched_end(), region->first()->address() + Block::kMinBytes);
  region->touch_until(region->base());
  EXPECT_EQ(region->touched_end(), region->first()->address() + Block::kMinBytes);
  region->touch_until(region->base() + 100);
  EXPECT_EQ(region->touched_end(), region->base() + 100);

  region->rebuild(2 * kPageBytes);
  EXPECT_TRUE(region->is_intact());
  EXPECT_EQ(region->room(), 2 * kPageBytes - 48);
  EXPECT_EQ(region->touched_end(), region->sentinel()->address());
  memory[8] ^= 1;
  EXPECT_FALSE(region->is_intact());
}

}  // namespace
}  // namespace mem
