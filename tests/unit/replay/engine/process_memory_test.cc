#include "replay/engine/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <fstream>
#include <string>

namespace replay {
namespace {

constexpr std::size_t kBytes = 8 << 20;

char* map(int flags) {
  void* p = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}

TEST(ProcessMemoryTest, AnonymousMemoryCountsWhenTouchedAndMappedMemoryAtOnce) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's shadow is anonymous memory too";
#endif
  const MemorySample before = sample_memory();
  ASSERT_GT(before.anonymous_bytes, 0U);
  char* p = map(MAP_PRIVATE);
  ASSERT_NE(p, nullptr);
  ::madvise(p, kBytes, MADV_NOHUGEPAGE);
  const MemorySample mapped = sample_memory();
  std::memset(p, 1, kBytes / 2);
  const MemorySample touched = sample_memory();
  EXPECT_GE(mapped.mapped_bytes - before.mapped_bytes, kBytes);
  EXPECT_LT(mapped.anonymous_bytes - before.anonymous_bytes, kBytes / 8);
  EXPECT_GE(touched.anonymous_bytes - mapped.anonymous_bytes, kBytes / 2);
  EXPECT_LT(touched.anonymous_bytes - mapped.anonymous_bytes, kBytes * 5 / 8);
  EXPECT_GE(touched.page_table_bytes, before.page_table_bytes + kBytes / 2 / 512);
  EXPECT_EQ(touched.huge_page_bytes, before.huge_page_bytes);
  ::munmap(p, kBytes);
}

TEST(ProcessMemoryTest, SharedMemoryDoesNotCountAsAnonymous) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's shadow is anonymous memory too";
#endif
  const MemorySample before = sample_memory();
  char* p = map(MAP_SHARED);
  ASSERT_NE(p, nullptr);
  std::memset(p, 1, kBytes);
  // AddressSanitizer's shadow of it, an eighth, is anonymous memory where the kernel has no zero
  // page.
  EXPECT_LT(sample_memory().anonymous_bytes - before.anonymous_bytes, kBytes / 4);
  ::munmap(p, kBytes);
}

TEST(ProcessMemoryTest, TheHighWaterMarkRemembersWhatIsGone) {
  reset_high_water();
  const std::uint64_t before = high_water_bytes();
  char* p = map(MAP_PRIVATE);
  ASSERT_NE(p, nullptr);
  std::memset(p, 1, kBytes);
  ::munmap(p, kBytes);
  EXPECT_GE(high_water_bytes() - before, kBytes * 7 / 8);
}

// What the kernel says of each mapping, added up.
std::uint64_t huge_bytes_of_all_mappings() {
  std::ifstream mappings("/proc/self/smaps");
  std::uint64_t sum = 0;
  for (std::string word; mappings >> word;) {
    std::uint64_t kib = 0;
    if (word == "AnonHugePages:" && mappings >> kib) sum += kib * 1024;
  }
  return sum;
}

TEST(ProcessMemoryTest, HugePagesAreCounted) {
  char* p = map(MAP_PRIVATE);
  ASSERT_NE(p, nullptr);
  ::madvise(p, kBytes, MADV_HUGEPAGE);
  std::memset(p, 1, kBytes);
  const bool is_huge = huge_bytes_of_all_mappings() > 0;
  const MemorySample sample = sample_memory();
  ::munmap(p, kBytes);
  if (!is_huge) GTEST_SKIP() << "the kernel gives no huge pages";
  EXPECT_GE(sample.huge_page_bytes, 2U << 20);
  EXPECT_LE(sample.huge_page_bytes, sample.anonymous_bytes);
}

}  // namespace
}  // namespace replay
