// The contract of core/alloc/allocator.h, asked of every registered allocator; what an allocator
// does not claim to be capable of is skipped, and said so.
#include <gtest/gtest.h>
#include <string.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "core/alloc/registry.h"
#include "core/base/bits.h"

namespace mem {
namespace {

class AllocatorContractTest : public testing::TestWithParam<std::string> {
 protected:
  const AllocatorEntry& entry() const { return *find_allocator(GetParam().c_str()); }
  void TearDown() override {
    if (table().check != nullptr) {
      EXPECT_EQ(table().check(self()), 0);
    }
  }
  AnyAllocator any() const { return entry().instance(); }
  const AllocatorTable& table() const { return any().table(); }
  void* self() const { return any().self(); }
  bool is_bump() const { return GetParam() == "bump"; }
  unsigned char* allocate(std::size_t size, std::size_t align = 0) const {
    return static_cast<unsigned char*>(any().allocate(size, align));
  }
};

#define SKIP_UNLESS(capability) \
  if (!(capability)) GTEST_SKIP() << "not claimed: " #capability

TEST_P(AllocatorContractTest, BlocksAreAlignedAndDoNotOverlap) {
  SKIP_UNLESS(table().backed);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t size = 0; size < 3000; size = size * 9 / 8 + 1) {
    unsigned char* p = allocate(size);
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p), 8));
    memset(p, static_cast<int>(blocks.size()), size);
    blocks.emplace_back(p, size);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (std::size_t k = 0; k < blocks[i].second; ++k) {
      ASSERT_EQ(blocks[i].first[k], static_cast<unsigned char>(i));
    }
  }
  for (auto& [p, size] : blocks) any().deallocate(p);
}

TEST_P(AllocatorContractTest, HonoursEveryAlignment) {
  SKIP_UNLESS(table().backed);
  for (std::size_t align = 16; align <= (std::size_t{1} << 30); align *= 2) {
    unsigned char* p = allocate(100, align);
    ASSERT_NE(p, nullptr) << align;
    EXPECT_TRUE(is_aligned(reinterpret_cast<std::uintptr_t>(p), align));
    memset(p, 1, 100);
    any().deallocate(p);
  }
}

TEST_P(AllocatorContractTest, ZeroBytesAreAUniqueBlock) {
  SKIP_UNLESS(table().backed);
  unsigned char* a = allocate(0);
  unsigned char* b = allocate(0);
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_NE(a, b);
  any().deallocate(a);
  any().deallocate(b);
}

TEST_P(AllocatorContractTest, FreeingNothingIsNothing) { any().deallocate(nullptr); }

TEST_P(AllocatorContractTest, TooLargeIsOutOfMemory) {
  SKIP_UNLESS(table().backed);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  if (GetParam() == "glibc") GTEST_SKIP() << "a sanitizer's malloc ends the process instead";
#endif
  // Through a volatile, or the compiler warns of the size that is the point.
  volatile std::size_t huge = SIZE_MAX;
  EXPECT_EQ(allocate(huge), nullptr);
  EXPECT_EQ(allocate(huge / 2), nullptr);
  EXPECT_EQ(allocate(huge / 2, 4096), nullptr);
}

TEST_P(AllocatorContractTest, MemoryIsReused) {
  SKIP_UNLESS(table().backed && !is_bump());
  // 4 GiB pass through: without reuse the counters could not stay below 8 MiB more.
  SKIP_UNLESS(table().stats != nullptr);
  const std::uint64_t before = table().stats(self()).total_pages;
  for (int i = 0; i < 1024; ++i) any().deallocate(allocate(std::size_t{4} << 20));
  for (int i = 0; i < 100000; ++i) any().deallocate(allocate(static_cast<std::size_t>(i) % 5000));
  EXPECT_LE(table().stats(self()).total_pages, before + 2048);
}

TEST_P(AllocatorContractTest, ZeroedIsZero) {
  SKIP_UNLESS(table().allocate_zeroed != nullptr);
  for (int round = 0; round < 50; ++round) {
    const std::size_t size = static_cast<std::size_t>(round) * 997;
    auto* p = static_cast<unsigned char*>(table().allocate_zeroed(self(), size));
    ASSERT_NE(p, nullptr);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(p[i], 0);
    memset(p, 0xff, size);
    any().deallocate(p);
  }
}

TEST_P(AllocatorContractTest, ReallocateKeepsContents) {
  SKIP_UNLESS(table().reallocate != nullptr && table().backed);
  const std::size_t sizes[] = {1, 100, 5000, 40, 300000, 2500000, 6000000, 3000000, 700, 1};
  unsigned char* p = allocate(1);
  p[0] = 0;
  std::size_t size = 1;
  for (const std::size_t next : sizes) {
    p = static_cast<unsigned char*>(table().reallocate(self(), p, next));
    ASSERT_NE(p, nullptr);
    for (std::size_t i = 0; i < size && i < next; ++i) {
      ASSERT_EQ(p[i], static_cast<unsigned char>(i * 7));
    }
    for (std::size_t i = 0; i < next; ++i) p[i] = static_cast<unsigned char>(i * 7);
    size = next;
  }
  any().deallocate(p);
}

TEST_P(AllocatorContractTest, UsableSizeIsAtLeastTheSizeAndWritable) {
  SKIP_UNLESS(table().usable_size != nullptr);
  for (std::size_t size = 1; size < 2000; size += 37) {
    unsigned char* p = allocate(size);
    const std::size_t usable = table().usable_size(self(), p);
    EXPECT_GE(usable, size);
    memset(p, 1, usable);
    EXPECT_EQ(table().usable_size(self(), p), usable);
    any().deallocate(p);
  }
}

TEST_P(AllocatorContractTest, CountersFollowEveryCall) {
  SKIP_UNLESS(table().stats != nullptr);
  const HeapStats before = table().stats(self());
  unsigned char* a = allocate(1000);
  unsigned char* b = allocate(5, 256);
  HeapStats stats = table().stats(self());
  EXPECT_GE(stats.total_allocated_bytes, before.total_allocated_bytes + 1005);
  EXPECT_LT(stats.total_allocated_bytes, before.total_allocated_bytes + 1005 + 2 * kDefaultAlign);
  EXPECT_EQ(stats.live_blocks, before.live_blocks + 2);
  EXPECT_GE(stats.total_pages * stats.page_size_bytes, stats.total_allocated_bytes);
  any().deallocate(a);
  any().deallocate(b);
  stats = table().stats(self());
  EXPECT_EQ(stats.total_allocated_bytes, before.total_allocated_bytes);
  EXPECT_EQ(stats.live_blocks, before.live_blocks);
}

TEST_P(AllocatorContractTest, PurgeGivesBackAndBreaksNothing) {
  SKIP_UNLESS(table().purge != nullptr);
  unsigned char* keep = allocate(100);
  memset(keep, 9, 100);
  unsigned char* p = allocate(500000);
  memset(p, 1, 500000);
  any().deallocate(p);
  EXPECT_GT(table().purge(self()), 0u);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(keep[i], 9);
  any().deallocate(keep);
}

TEST_P(AllocatorContractTest, ThreadsMayFreeEachOthersBlocks) {
  SKIP_UNLESS(table().backed);
  constexpr std::size_t kBlocks = 2000;
  std::vector<unsigned char*> blocks(4 * kBlocks);
  const auto in_threads = [](auto work) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) threads.emplace_back(work, t);
    for (std::thread& thread : threads) thread.join();
  };
  in_threads([&](std::size_t t) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      unsigned char* p = allocate(i % 300 + 1);
      p[i % 300] = static_cast<unsigned char>(t);
      blocks[t * kBlocks + i] = p;
    }
  });
  in_threads([&](std::size_t t) {
    const std::size_t other = (t + 1) % 4;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      EXPECT_EQ(blocks[other * kBlocks + i][i % 300], other);
      any().deallocate(blocks[other * kBlocks + i]);
    }
  });
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const AllocatorEntry& entry : registered_allocators()) names.emplace_back(entry.name);
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registered, AllocatorContractTest, testing::ValuesIn(names()), test_name);

}  // namespace
}  // namespace mem
