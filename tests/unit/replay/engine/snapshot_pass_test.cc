#include "replay/engine/snapshot_pass.h"

#include <gtest/gtest.h>

#include "core/base/bits.h"
#include "replay/engine/launcher.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

using mem::kPageBytes;

TEST(InternalBytesTest, AreUsableNotAskedForAndOnThePageOfTheLastByte) {
  const auto at = [](std::uint64_t address, std::uint64_t size, std::uint64_t usable) {
    return LiveObject{reinterpret_cast<const void*>(address), size, usable, 0};
  };
  EXPECT_EQ(internal_bytes(at(kPageBytes + 16, 100, 120), kPageBytes), 20U);
  EXPECT_EQ(internal_bytes(at(kPageBytes, 100, 100), kPageBytes), 0U);
  EXPECT_EQ(internal_bytes(at(kPageBytes, kPageBytes - 10, 3 * kPageBytes), kPageBytes), 10U);
  EXPECT_EQ(internal_bytes(at(kPageBytes, kPageBytes, 3 * kPageBytes), kPageBytes), 0U);
  EXPECT_EQ(internal_bytes(at(kPageBytes, 0, 24), kPageBytes), 0U);
  EXPECT_EQ(internal_bytes(at(kPageBytes, 100, 0), kPageBytes), 0U);
}

class SnapshotPassTest : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's shadow is anonymous memory too";
#endif
  }
  // 1000 blocks of 1000 bytes, which are then freed; a checkpoint after each of the first events.
  Plan grow_and_fall() {
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < 1000; ++i) events.push_back(malloc_of(i, 1000));
    for (std::uint64_t i = 0; i < 1000; ++i) events.push_back(free_of(i));
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    return compile_plan(reader, {});
  }
  RunOutcome at(const Plan& plan, const char* allocator, std::size_t checkpoint) {
    RunRequest request{resolve_subject(allocator, PROGRAM_DIR), Pass::kSnapshot, Touch::kPage,
                       pick_cpu()};
    request.snapshot_at = checkpoint;
    return Launcher(PROGRAM_DIR).run(plan, request, nullptr);
  }

  TempFolder dir_;
};

TEST_F(SnapshotPassTest, StopsAtTheCheckpointWithItsObjectsLive) {
  const Plan plan = grow_and_fall();
  const RunOutcome out = at(plan, "glibc", plan.peak_live);
  ASSERT_TRUE(out.usable_known && out.occupied_known);
  EXPECT_EQ(out.snapshot.sample.usable_bytes, 1000U * 1000);
  EXPECT_GE(out.snapshot.sample.occupied_pages, 1'000'000 / kPageBytes);
  EXPECT_EQ(out.snapshot.internal_bytes, 0U);  // glibc's usable size of 1000 is 1000
  EXPECT_EQ(out.snapshot.books.metadata_bytes, 8U * 1000);
  EXPECT_LT(out.snapshot.books.caches_bytes, kPageBytes);

  const RunOutcome last = at(plan, "glibc", plan.checkpoints.size() - 1);
  EXPECT_EQ(last.snapshot.sample.usable_bytes, 0U);
  EXPECT_EQ(last.snapshot.books.metadata_bytes, 0U);
  EXPECT_GE(last.snapshot.books.caches_bytes, 7U * 1000);  // a thread cache keeps seven of a size
}

TEST_F(SnapshotPassTest, MemTellsItsMetadataAndNotItsCaches) {
  const Plan plan = grow_and_fall();
  const RunOutcome out = at(plan, "mem", plan.peak_live);
  EXPECT_EQ(out.snapshot.books.kind, BooksKind::kMallocStats);
  EXPECT_GT(out.snapshot.books.metadata_bytes, 0U);
  EXPECT_FALSE(out.snapshot.books.caches_known);
}

TEST_F(SnapshotPassTest, AnAllocatorInTheProcessHasNoBooks) {
  const Plan plan = grow_and_fall();
  EXPECT_EQ(at(plan, "mem-classic", plan.peak_live).snapshot.books.kind, BooksKind::kNone);
}

}  // namespace
}  // namespace replay
