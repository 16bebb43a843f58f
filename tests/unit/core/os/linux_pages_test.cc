#include "core/os/linux_pages.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "core/base/bits.h"

namespace mem {
namespace {

TEST(LinuxPages, MapsZeroedPagesAndTakesThemBack) {
  LinuxPages pages;
  auto* p = static_cast<unsigned char*>(pages.map(2 * kPageBytes, 0, 0));
  ASSERT_NE(p, nullptr);
  for (std::size_t i = 0; i < 2 * kPageBytes; ++i) ASSERT_EQ(p[i], 0);
  EXPECT_TRUE(pages.unmap(p, 2 * kPageBytes));
}

TEST(LinuxPages, AlignsAtAnOffset) {
  LinuxPages pages;
  for (const std::size_t align :
       {std::size_t{1} << 16, std::size_t{1} << 21, std::size_t{1} << 30}) {
    void* p = pages.map(3 * kPageBytes, align, kPageBytes);
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p) + kPageBytes, align));
    EXPECT_TRUE(pages.unmap(p, 3 * kPageBytes));
  }
}

TEST(LinuxPages, DiscardedPagesReadAsZero) {
  LinuxPages pages;
  auto* p = static_cast<unsigned char*>(pages.map(kPageBytes, 0, 0));
  ASSERT_NE(p, nullptr);
  p[5] = 1;
  EXPECT_TRUE(pages.discard(p, kPageBytes));
  EXPECT_EQ(p[5], 0);
  pages.unmap(p, kPageBytes);
}

TEST(LinuxPages, RemapKeepsContents) {
  LinuxPages pages;
  auto* p = static_cast<unsigned char*>(pages.map(kPageBytes, 0, 0));
  ASSERT_NE(p, nullptr);
  p[5] = 9;
  auto* q = static_cast<unsigned char*>(pages.remap(p, kPageBytes, 64 * kPageBytes));
  ASSERT_NE(q, nullptr);
  EXPECT_EQ(q[5], 9);
  EXPECT_EQ(q[64 * kPageBytes - 1], 0);
  pages.unmap(q, 64 * kPageBytes);
}

TEST(LinuxPages, RefusesTheImpossibleAndKeepsErrno) {
  LinuxPages pages;
  EXPECT_EQ(pages.map(std::size_t{1} << 48, 0, 0), nullptr);
  EXPECT_EQ(pages.map(kPageBytes, std::size_t{1} << 63, 0), nullptr);
  alignas(kPageBytes) static unsigned char here[kPageBytes];
  errno = 5;
  EXPECT_FALSE(pages.unmap(here + 1, kPageBytes));
  EXPECT_FALSE(pages.discard(here + 1, kPageBytes));
  EXPECT_EQ(errno, 5);
}

}  // namespace
}  // namespace mem
