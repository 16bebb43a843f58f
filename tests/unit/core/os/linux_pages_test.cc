#include "core/os/linux_pages.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "core/base/bits.h"
#include "tests/support/address_limit.h"

// The C library's, which may be told to refuse as the kernel does before Linux 6.17 what is of
// several mappings: with the destination unmapped.
static bool refuse_moves = false;
extern "C" void* mremap(void* old, size_t old_bytes, size_t new_bytes, int flags, ...) noexcept {
  va_list arguments;
  va_start(arguments, flags);
  void* to = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  if (refuse_moves) {
    munmap(to, new_bytes);
    errno = EFAULT;
    return MAP_FAILED;
  }
  const long moved = syscall(SYS_mremap, old, old_bytes, new_bytes, flags, to);
  return reinterpret_cast<void*>(moved);  // MAP_FAILED is -1
}

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
  EXPECT_EQ(pages.reserve(nullptr, std::size_t{1} << 48, Access::kNone), nullptr);
  EXPECT_FALSE(pages.commit(here + 1, kPageBytes));
  EXPECT_FALSE(pages.move_pages(here + 1, here + 1, kPageBytes));
  EXPECT_FALSE(pages.unmap(here + 1, kPageBytes));
  EXPECT_FALSE(pages.discard(here + 1, kPageBytes));
  EXPECT_EQ(errno, 5);
}

// Whether a byte may be written, asked without trying: the kernel reads into it.
bool is_writable(void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool is_sent = write(ends[1], "", 1) == 1;
  const bool is_read = read(ends[0], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return is_sent && is_read;
}
bool is_readable(const void* p) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool is_sent = write(ends[1], p, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return is_sent;
}

TEST(LinuxPages, ReservedPagesAreMemoryOnlyOnceCommitted) {
  LinuxPages pages;
  auto* p = static_cast<unsigned char*>(pages.reserve(nullptr, 4 * kPageBytes, Access::kNone));
  ASSERT_NE(p, nullptr);
  EXPECT_FALSE(is_readable(p));
  EXPECT_TRUE(pages.commit(p + kPageBytes, 2 * kPageBytes));
  EXPECT_FALSE(is_readable(p));
  EXPECT_TRUE(is_writable(p + kPageBytes));
  EXPECT_TRUE(is_writable(p + 3 * kPageBytes - 1));
  EXPECT_FALSE(is_readable(p + 3 * kPageBytes));
  memset(p + kPageBytes, 7, 2 * kPageBytes);
  EXPECT_TRUE(pages.commit(p, 4 * kPageBytes));
  EXPECT_EQ(p[0], 0);
  EXPECT_EQ(p[kPageBytes], 7);  // what was memory before keeps its contents
  EXPECT_EQ(p[4 * kPageBytes - 1], 0);
  EXPECT_TRUE(pages.unmap(p, 4 * kPageBytes));
  EXPECT_FALSE(is_readable(p));
}

TEST(LinuxPages, WhatIsReservedForReadingReadsAsZero) {
  LinuxPages pages;
  auto* p = static_cast<unsigned char*>(pages.reserve(nullptr, 2 * kPageBytes, Access::kRead));
  ASSERT_NE(p, nullptr);
  for (std::size_t i = 0; i < 2 * kPageBytes; ++i) ASSERT_EQ(p[i], 0);
  EXPECT_FALSE(is_writable(p));
  EXPECT_TRUE(pages.unmap(p, 2 * kPageBytes));
}

TEST(LinuxPages, ReservesFarMoreThanThereIsMemory) {
  LinuxPages pages;
  constexpr std::size_t kBytes = std::size_t{1} << 39;
  void* p = pages.reserve(nullptr, kBytes, Access::kNone);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(pages.unmap(p, kBytes));
}

TEST(LinuxPages, ReservesAtAHintThatIsFreeAndElsewhereIfNot) {
  LinuxPages pages;
  auto* p = static_cast<std::byte*>(pages.reserve(nullptr, 4 * kPageBytes, Access::kNone));
  ASSERT_NE(p, nullptr);
  ASSERT_TRUE(pages.unmap(p + kPageBytes, kPageBytes));
  EXPECT_EQ(pages.reserve(p + kPageBytes, kPageBytes, Access::kNone), p + kPageBytes);
  void* other = pages.reserve(p + kPageBytes, kPageBytes, Access::kNone);
  EXPECT_NE(other, nullptr);
  EXPECT_NE(other, p + kPageBytes);
  EXPECT_TRUE(pages.unmap(other, kPageBytes));
  EXPECT_TRUE(pages.unmap(p, 4 * kPageBytes));
}

TEST(LinuxPages, MovesPagesAndLeavesZeroes) {
  LinuxPages pages;
  constexpr std::size_t kBytes = 8 * kPageBytes;
  auto* from = static_cast<unsigned char*>(pages.map(kBytes, 0, 0));
  auto* to = static_cast<unsigned char*>(pages.map(kBytes, 0, 0));
  ASSERT_NE(from, nullptr);
  ASSERT_NE(to, nullptr);
  memset(to, 0xee, kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) from[i] = static_cast<unsigned char>(i % 251);
  ASSERT_TRUE(pages.move_pages(from, to, kBytes - kPageBytes));
  for (std::size_t i = 0; i < kBytes - kPageBytes; ++i) {
    ASSERT_EQ(to[i], i % 251);
    ASSERT_EQ(from[i], 0);
  }
  EXPECT_EQ(to[kBytes - 1], 0xee);
  EXPECT_EQ(from[kBytes - 1], (kBytes - 1) % 251);
  memset(from, 1, kBytes);  // still memory
  EXPECT_TRUE(pages.unmap(from, kBytes));
  EXPECT_TRUE(pages.unmap(to, kBytes));
}

TEST(LinuxPages, AfterARefusedMoveBothPlacesAreMemory) {
  LinuxPages pages;
  constexpr std::size_t kBytes = 8 * kPageBytes;
  auto* from = static_cast<unsigned char*>(pages.map(kBytes, 0, 0));
  auto* to = static_cast<unsigned char*>(pages.map(kBytes, 0, 0));
  memset(from, 5, kBytes);
  memset(to, 6, kBytes);
  errno = 7;
  refuse_moves = true;
  EXPECT_FALSE(pages.move_pages(from, to, kBytes - kPageBytes));
  refuse_moves = false;
  EXPECT_EQ(errno, 7);
  for (std::size_t i = 0; i < kBytes - kPageBytes; ++i) {
    ASSERT_EQ(from[i], 5);
    ASSERT_EQ(to[i], 0);
  }
  EXPECT_EQ(to[kBytes - 1], 6);
  memset(to, 1, kBytes);
  EXPECT_TRUE(pages.unmap(from, kBytes));
  EXPECT_TRUE(pages.unmap(to, kBytes));
}

TEST(LinuxPages, TheClockOnlyRises) {
  LinuxPages pages;
  const std::uint64_t first = pages.now_ms();
  EXPECT_GT(first, 0u);
  std::uint64_t last = first;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = pages.now_ms();
    ASSERT_GE(now, last);
    last = now;
  }
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto fine = static_cast<std::uint64_t>(now.tv_sec) * 1000 +
                    static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
  EXPECT_LE(first, fine);
  EXPECT_GE(fine, last);
}

// --- under a limit ------------------------------------------------------------------------------

// In a process of its own; the exit code counts what was wrong.
TEST(LinuxPagesDeathTest, KnowsTheLimitOfTheAddressSpace) {
  EXPECT_EXIT(
      {
        LinuxPages pages;
        const bool was_free = pages.address_limit() == SIZE_MAX;
        support::limit_address_space(std::size_t{1} << 46);
        const bool is_known = pages.address_limit() == std::size_t{1} << 46;
        support::limit_address_space(RLIM_INFINITY);
        _exit(!is_known + !was_free + (pages.address_limit() != SIZE_MAX));
      },
      testing::ExitedWithCode(0), "");
}

TEST(LinuxPagesDeathTest, RefusesWhatIsBeyondTheLimitAndKeepsErrno) {
  EXPECT_EXIT(
      {
        LinuxPages pages;
        support::limit_address_space(support::address_space_bytes() + (std::size_t{64} << 20));
        errno = 5;
        int wrong = pages.reserve(nullptr, std::size_t{1} << 30, Access::kNone) != nullptr;
        wrong += pages.reserve(nullptr, std::size_t{1} << 30, Access::kRead) != nullptr;
        wrong += errno != 5;
        void* p = pages.reserve(nullptr, std::size_t{16} << 20, Access::kNone);
        wrong += p == nullptr || !pages.commit(p, std::size_t{16} << 20);
        wrong += pages.map(std::size_t{1} << 30, 0, 0) != nullptr;
        _exit(wrong);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mem
