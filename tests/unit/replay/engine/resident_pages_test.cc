#include "replay/engine/resident_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <vector>

#include "core/base/bits.h"

namespace replay {
namespace {

using mem::kPageBytes;

bool holds(const std::vector<PageRun>& runs, const char* page) {
  const auto address = reinterpret_cast<std::uintptr_t>(page);
  for (const PageRun& run : runs) {
    if (address >= run.address && address < run.address + run.pages * kPageBytes) return true;
  }
  return false;
}

class ResidentPagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's address space takes too long to walk";
#endif
  }
  std::vector<PageRun> find() {
    std::vector<PageRun> runs(1 << 16);
    runs.resize(find_resident_pages(runs.data(), runs.size()));
    return runs;
  }
};

TEST_F(ResidentPagesTest, ThoseThatWereWrittenToAreAndOthersAreNot) {
  char* p = static_cast<char*>(::mmap(nullptr, 2000 * kPageBytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(p, MAP_FAILED);
  ::madvise(p, 2000 * kPageBytes, MADV_NOHUGEPAGE);
  for (const std::size_t page : {3U, 4U, 1500U}) p[page * kPageBytes] = 1;
  const std::vector<PageRun> runs = find();
  for (const std::size_t page : {3U, 4U, 1500U}) {
    EXPECT_TRUE(holds(runs, p + page * kPageBytes)) << page;
  }
  for (const std::size_t page : {2U, 5U, 1499U, 1999U}) {
    EXPECT_FALSE(holds(runs, p + page * kPageBytes)) << page;
  }
  for (std::size_t i = 1; i < runs.size(); ++i) {
    EXPECT_GT(runs[i].address, runs[i - 1].address + (runs[i - 1].pages - 1) * kPageBytes);
  }
  ::munmap(p, 2000 * kPageBytes);
}

TEST_F(ResidentPagesTest, SharedMemoryIsLeftOut) {
  char* p = static_cast<char*>(
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(p, MAP_FAILED);
  *p = 1;
  EXPECT_FALSE(holds(find(), p));
  ::munmap(p, kPageBytes);
}

TEST_F(ResidentPagesTest, MoreRunsThanThereIsRoomForAreCountedAndNotWritten) {
  PageRun runs[2] = {{0, 0}, {7, 7}};
  EXPECT_GT(find_resident_pages(runs, 1), 1U);
  EXPECT_GT(runs[0].pages, 0U);
  EXPECT_EQ(runs[1].address, 7U);
}

}  // namespace
}  // namespace replay
