#include "core/mem/run_heap.h"

#include <gtest/gtest.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <vector>

#include "core/os/linux_pages.h"
#include "tests/support/address_limit.h"
#include "tests/unit/core/mem/run_heap_fixture.h"

namespace mem {
namespace {

// --- runs ---------------------------------------------------------------------------------------

TEST_F(RunHeapTest, CostsNothingBeforeItsFirstRun) {
  EXPECT_EQ(runs().check(), 0);
  const RunHeapStats stats = runs().stats();
  EXPECT_EQ(stats.used_pages + stats.free_pages + stats.metadata_pages, 0u);
  EXPECT_EQ(runs().purge(), 0u);
  EXPECT_EQ(runs().map().pages(), 0u);
  EXPECT_EQ(os().pages_held(), 0u);
}

TEST_F(RunHeapTest, TakesTheLowestRunThatFits) {
  const auto take_slab = [&](std::size_t pages) { return take(pages, 0, SpanState::kFull, true); };
  Span* a = take_slab(10);
  Span* b = take_slab(5);
  Span* c = take_slab(20);
  Span* d = take_slab(1);
  EXPECT_EQ(b->first_page, a->first_page + 10);
  EXPECT_EQ(d->first_page, c->first_page + 20);
  const std::uint32_t low = a->first_page;
  const std::uint32_t high = c->first_page;
  give(c, 0);  // what was touched would wait
  give(a, 0);
  EXPECT_EQ(take(11)->first_page, high);
  EXPECT_EQ(take(4)->first_page, low);
  EXPECT_EQ(take(9)->first_page, high + 11);
  EXPECT_EQ(take(6)->first_page, low + 4);
  EXPECT_EQ(take(1)->first_page, d->first_page + 1);
}

TEST_F(RunHeapTest, FreeNeighboursAreOneRun) {
  Span* spans[4];
  for (Span*& span : spans) span = take(8);
  const std::uint32_t first = spans[0]->first_page;
  take(1);
  for (const int i : {2, 0, 3, 1}) give(spans[i]);
  EXPECT_EQ(take(32)->first_page, first);
}

TEST_F(RunHeapTest, Aligns) {
  for (std::size_t align = 1; align <= std::size_t{16} << 20; align *= 2) {
    for (const std::size_t pages : {std::size_t{1}, std::size_t{7}}) {
      Span* span = take(pages, align);
      ASSERT_NE(span, nullptr) << align;
      EXPECT_TRUE(is_aligned(runs().map().address_of(span->first_page), align)) << align;
      ASSERT_EQ(runs().check(), 0);
    }
  }
}

TEST_F(RunHeapTest, AnAlignedRunUsesAFreeOneThatIsNoLongerThanNeeded) {
  Span* hole = take(16 + 15);
  const std::uint32_t first = hole->first_page;
  take(1);
  give(hole);
  Span* aligned = take(16, 16 * kPageBytes);
  EXPECT_GE(aligned->first_page, first);
  EXPECT_LE(aligned->first_page, first + 15);
}

TEST_F(RunHeapTest, AllPagesOrTheFirstLeadToTheSpan) {
  Span* slab = take(3, 0, SpanState::kCurrent, true);
  Span* large = take(3);
  const PageMap& map = runs().map();
  const std::size_t first = slab->first_page;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(map.at(first + i), slab);
  EXPECT_EQ(map.at(first + 3), large);
  EXPECT_EQ(map.at(first + 4), nullptr);
  EXPECT_FALSE(runs().is_free_page(first + 4));
  give(slab);
  give(large);
  runs().purge();  // until then it may wait, and its first page leads to its span
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(map.at(first + i), nullptr);
    EXPECT_TRUE(runs().is_free_page(first + i));
  }
}

TEST_F(RunHeapTest, GrowsOnlyIntoFreePages) {
  Span* a = take(4);
  Span* b = take(4);
  EXPECT_FALSE(grow(a, 5));
  const std::uint32_t next = b->first_page;
  give(b);
  EXPECT_TRUE(grow(a, 6));
  EXPECT_EQ(take(2)->first_page, next + 2);
  Span* wall = take(1);
  EXPECT_EQ(wall->first_page, next + 4);
  EXPECT_FALSE(grow(a, 7));
  EXPECT_EQ(used(), 6u + 2u + 1u);
  EXPECT_EQ(runs().stats().large_pages, used());
}

TEST_F(RunHeapTest, GrowsAsFarAsPagesAreReservedAndNoFurther) {
  Span* span = take(1);
  const std::size_t most = 1 + runs().stats().longest_free;
  EXPECT_FALSE(grow(span, most + 1));
  EXPECT_FALSE(grow(span, runs().map().pages()));
  EXPECT_TRUE(grow(span, most));
  EXPECT_EQ(runs().stats().free_pages, 0u);
  EXPECT_FALSE(grow(span, most + 1));
  EXPECT_EQ(runs().check(), 0);
}

TEST_F(RunHeapTest, AShrunkRunLeavesItsTailFreeAndDirty) {
  Span* span = take(10);
  const std::uint32_t first = span->first_page;
  shrink(span, 3);
  EXPECT_EQ(used(), 3u);
  EXPECT_EQ(runs().stats().large_pages, 3u);
  EXPECT_EQ(dirty(), 7u);
  Span* tail = take(7);
  EXPECT_EQ(tail->first_page, first + 3);
  EXPECT_FALSE(tail->is_fresh);
  EXPECT_EQ(dirty(), 0u);
  give(span);
  EXPECT_EQ(dirty(), 3u);
}

TEST_F(RunHeapTest, VisitsTheSpansInUse) {
  std::set<const Span*> in_use;
  for (int i = 0; i < 30; ++i) in_use.insert(take(2));
  Span* gone = take(2);
  give(gone);
  std::multiset<const Span*> seen;
  runs().for_each_span([&](const Span& span) { seen.insert(&span); });
  EXPECT_EQ(seen, std::multiset<const Span*>(in_use.begin(), in_use.end()));
}

TEST_F(RunHeapTest, CountsPagesByKind) {
  Span* large = take(10);
  Span* slab = take(3, 0, SpanState::kFull, true);
  RunHeapStats stats = runs().stats();
  EXPECT_EQ(stats.used_pages, 13u);
  EXPECT_EQ(runs().used_pages(), 13u);
  EXPECT_EQ(stats.large_pages, 10u);
  EXPECT_EQ(stats.longest_free, stats.free_pages);
  EXPECT_GT(stats.metadata_pages, 0u);
  give(large, 4);
  stats = runs().stats();
  EXPECT_EQ(stats.used_pages, 3u);
  EXPECT_EQ(stats.large_pages, 0u);
  EXPECT_EQ(stats.dirty_pages, 4u);
  EXPECT_EQ(stats.longest_free, stats.free_pages - 10);
  give(slab, 0);
  stats = runs().stats();
  EXPECT_EQ(stats.used_pages, 0u);
  EXPECT_EQ(stats.longest_free, stats.free_pages);
}

TEST_F(RunHeapTest, MetadataIsZeroAndCounted) {
  take(1);
  const std::uint64_t before = runs().stats().metadata_pages;
  auto* p = static_cast<unsigned char*>(runs().allocate_metadata(5 * kPageBytes + 1));
  ASSERT_NE(p, nullptr);
  for (std::size_t i = 0; i < 6 * kPageBytes; ++i) ASSERT_EQ(p[i], 0);
  EXPECT_EQ(runs().stats().metadata_pages, before + 6);
  os().fail_every(PageCall::kMap, 1);
  EXPECT_EQ(runs().allocate_metadata(1), nullptr);
  EXPECT_EQ(runs().stats().metadata_pages, before + 6);
}

// --- fresh and dirty ----------------------------------------------------------------------------

TEST_F(RunHeapTest, PagesAreFreshUntilTheyAreTouched) {
  Span* span = take(10);
  const std::uint32_t first = span->first_page;
  EXPECT_TRUE(span->is_fresh);
  give(span, 0);
  EXPECT_EQ(dirty(), 0u);
  span = take(10);
  EXPECT_TRUE(span->is_fresh);
  give(span, 3);
  EXPECT_EQ(dirty(), 3u);
  Span* head = take(3);
  EXPECT_EQ(head->first_page, first);
  EXPECT_FALSE(head->is_fresh);
  EXPECT_TRUE(take(7)->is_fresh);
  EXPECT_EQ(dirty(), 0u);
}

TEST_F(RunHeapTest, OneDirtyPageMakesARunDirtyAsAWhole) {
  Span* span = take(200);
  give(span, 1);
  span = take(200);
  EXPECT_FALSE(span->is_fresh);
  give(span, 0);  // it may have been written before: `touched` counts for fresh runs alone
  EXPECT_EQ(dirty(), 200u);
}

TEST_F(RunHeapTest, GrowingOverDirtyPagesEndsFreshness) {
  Span* a = take(4);
  Span* b = take(70);
  take(1);
  give(b, 2);
  EXPECT_TRUE(grow(a, 5));
  EXPECT_FALSE(a->is_fresh);
  EXPECT_EQ(dirty(), 1u);
  give(a);

  Span* clean = take(100);
  ASSERT_TRUE(clean->is_fresh);
  EXPECT_TRUE(grow(clean, 110));
  EXPECT_TRUE(clean->is_fresh);
}

// --- large blocks that were freed wait -----------------------------------------------------------

TEST_F(RunHeapTest, AFreedRunGoesToWhoAsksForAsManyPages) {
  const std::vector<Span*> spans = take_apart(3, 20);
  const std::uint32_t places[] = {spans[0]->first_page, spans[1]->first_page};
  give(spans[0]);
  give(spans[1]);
  EXPECT_EQ(runs().stats().dirty_pages, 40u);
  EXPECT_EQ(runs().stats().used_pages, 23u);
  EXPECT_EQ(runs().stats().large_pages, 23u);
  EXPECT_EQ(runs().check(), 0);
  Span* last = take(20);  // the last one freed
  EXPECT_EQ(last->first_page, places[1]);
  EXPECT_FALSE(last->is_fresh);
  EXPECT_EQ(take(20)->first_page, places[0]);
  EXPECT_EQ(runs().stats().dirty_pages, 0u);
  EXPECT_EQ(runs().stats().used_pages, 63u);
}

TEST_F(RunHeapTest, ARunThatHasAnEighthMoreServesAsWell) {
  Span* waits = take(36);
  take(1);
  const std::uint32_t place = waits->first_page;
  give(waits);
  Span* span = take(32);
  EXPECT_EQ(span->first_page, place);
  EXPECT_EQ(span->run_pages, 36u);
  EXPECT_EQ(used(), 37u);
  EXPECT_EQ(runs().stats().large_pages, 37u);
  give(span);
  EXPECT_EQ(take(31)->first_page, place);  // of which the rest is free then
  EXPECT_EQ(used(), 32u);
}

TEST_F(RunHeapTest, RunsThatWaitAreJoinedBeforeTheHeapGrows) {
  Span* a = take(10);
  Span* b = take(10);
  take(1);
  const std::uint32_t first = a->first_page;
  give(a);
  give(b);
  EXPECT_EQ(take(20)->first_page, first);
}

TEST_F(RunHeapTest, RunsThatWaitAreJoinedForSlabsToo) {
  Span* a = take(10);
  take(1);
  const std::uint32_t first = a->first_page;
  give(a);
  EXPECT_EQ(take(3, 0, SpanState::kCurrent, true)->first_page, first);
}

TEST_F(RunHeapTest, ASlabOfAsManyPagesIsMappedAsAWhole) {
  Span* waits = take(10);
  take(1);
  const std::uint32_t first = waits->first_page;
  give(waits);
  Span* slab = take(10, 0, SpanState::kFull, true);
  ASSERT_EQ(slab->first_page, first);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(runs().map().at(first + i), slab);
}

// Of which its first page alone leads to the span meanwhile, as of a large block.
TEST_F(RunHeapTest, TheRunOfASlabWaitsAsThatOfALargeBlock) {
  Span* waits = take(10, 0, SpanState::kFull, true);
  take(1);
  const std::uint32_t first = waits->first_page;
  waits->carved = 7;
  waits->free = reinterpret_cast<FreeObject*>(start_of(waits));
  give(waits, 10);
  EXPECT_EQ(runs().map().at(first), waits);
  for (std::size_t i = 1; i < 10; ++i) EXPECT_EQ(runs().map().at(first + i), nullptr);
  EXPECT_EQ(dirty(), 10u);
  EXPECT_EQ(runs().check(), 0);
  Span* slab = take(10, 0, SpanState::kFit, true);
  EXPECT_EQ(slab, waits);  // it was never joined
  EXPECT_EQ(slab->first_page, first);
  EXPECT_EQ(slab->carved, 0);
  EXPECT_EQ(slab->free, nullptr);
  EXPECT_FALSE(slab->is_fresh);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(runs().map().at(first + i), slab);
  EXPECT_EQ(dirty(), 0u);
  give(slab);
  EXPECT_EQ(take(10), slab);
}

TEST_F(RunHeapTest, ASlabTakesNoMorePagesThanItNeeds) {
  Span* waits = take(18);
  take(1);
  const std::uint32_t first = waits->first_page;
  give(waits);
  EXPECT_EQ(take(16, 0, SpanState::kFull, true)->first_page, first);
  EXPECT_EQ(used(), 17u);
  EXPECT_EQ(dirty(), 2u);
}

TEST_F(RunHeapTest, RunsWaitWhileThereAreOtherDirtyPages) {
  Span* waits = take(10);
  take(1);
  Span* shrinks = take(9);
  take(1);
  const std::uint32_t place = waits->first_page;
  const std::uint32_t hole = shrinks->first_page + 4;
  give(waits);
  shrink(shrinks, 4);
  EXPECT_EQ(take(4)->first_page, hole);
  EXPECT_EQ(take(10)->first_page, place);
}

TEST_F(RunHeapTest, AWaitingRunAlignsAsAnyOther) {
  Span* waits = take(16);
  take(1);
  give(waits);
  Span* aligned = take(16, 64 * kPageBytes);
  EXPECT_TRUE(is_aligned(runs().map().address_of(aligned->first_page), 64 * kPageBytes));
}

TEST_F(RunHeapTest, GrowsIntoRunsThatWait) {
  Span* spans[4];
  for (Span*& span : spans) span = take(4);
  Span* wall = take(1);
  give(spans[1]);
  give(spans[3]);
  give(spans[2]);
  EXPECT_TRUE(grow(spans[0], 10));
  EXPECT_FALSE(spans[0]->is_fresh);
  EXPECT_EQ(dirty(), 6u);
  EXPECT_FALSE(grow(spans[0], 17));
  EXPECT_TRUE(grow(spans[0], 16));
  EXPECT_EQ(wall->first_page, spans[0]->first_page + 16);
}

TEST_F(RunHeapTest, WhatWasNeverTouchedDoesNotWait) {
  give(take(20), 0);
  EXPECT_EQ(dirty(), 0u);
  EXPECT_TRUE(take(20)->is_fresh);
}

// --- memory is committed in steps ---------------------------------------------------------------

TEST_F(RunHeapTest, CommitsFromTheStartAsFarAsNeeded) {
  take(1);
  const std::size_t least = os().committed_pages();
  std::uint64_t commits = calls(PageCall::kCommit);
  while (used() < 16) take(1);
  EXPECT_EQ(calls(PageCall::kCommit), commits);  // 64 KiB at a time at least
  take(1);
  EXPECT_EQ(calls(PageCall::kCommit), commits + 1);
  EXPECT_EQ(os().committed_pages(), least + 16);

  Span* large = take(3000);  // less than a region, more than any step
  EXPECT_EQ(os().committed_pages(), least + 1 + 3000);
  commits = calls(PageCall::kCommit);
  give(large);
  take(3000);
  EXPECT_EQ(calls(PageCall::kCommit), commits);
}

TEST_F(RunHeapTest, CommitsInStepsThatGrow) {
  while (used() < 20000) ASSERT_NE(take(40), nullptr);  // over the edges of regions and of a slot
  EXPECT_LT(calls(PageCall::kCommit), 60u);
  EXPECT_EQ(runs().check(), 0);
}

TEST_F(RunHeapTest, ARefusedStepIsAskedForAgainWithoutMore) {
  while (used() < 64) take(1);
  const std::size_t before = os().committed_pages();
  const std::uint64_t commits = calls(PageCall::kCommit);
  os().commits_to_refuse = 1;
  while (calls(PageCall::kCommit) == commits) ASSERT_NE(take(1), nullptr);
  EXPECT_EQ(calls(PageCall::kCommit), commits + 2);
  EXPECT_EQ(os().committed_pages(), before + 1);
  EXPECT_NE(take(1), nullptr);
  EXPECT_EQ(runs().check(), 0);
}

// --- pages of the kernel ------------------------------------------------------------------------

class RunHeapOnLinuxTest : public testing::Test {
 protected:
  ~RunHeapOnLinuxTest() override { EXPECT_EQ(runs_->check(), 0); }

  Span* take(std::size_t pages) { return runs_->allocate(pages, 0, SpanState::kLarge, false); }
  unsigned char* start_of(const Span* span) {
    return reinterpret_cast<unsigned char*>(runs_->map().address_of(span->first_page));
  }
  bool is_zero(const Span* span) {
    const unsigned char* p = start_of(span);
    for (std::size_t i = 0; i < span->run_pages * kPageBytes; ++i) {
      if (p[i] != 0) return false;
    }
    return true;
  }

  std::unique_ptr<RunHeap<LinuxPages>> runs_ = std::make_unique<RunHeap<LinuxPages>>();
};

TEST_F(RunHeapOnLinuxTest, RunsAreMemoryAndFreshOnesAreZero) {
  std::vector<Span*> spans;
  for (const std::size_t pages :
       {std::size_t{1}, std::size_t{100}, std::size_t{5000}, std::size_t{20000}}) {
    Span* span = take(pages);
    ASSERT_NE(span, nullptr);
    EXPECT_TRUE(span->is_fresh);
    EXPECT_TRUE(is_zero(span));
    memset(start_of(span), 0xa5, pages * kPageBytes);
    spans.push_back(span);
  }
  for (Span* span : spans) runs_->free(span, span->run_pages, span->run_pages);
  runs_->purge();
  EXPECT_EQ(runs_->stats().dirty_pages, 0u);
  Span* again = take(5000);
  EXPECT_TRUE(again->is_fresh);
  EXPECT_TRUE(is_zero(again));
  runs_->free(again, 5000, 0);
}

TEST_F(RunHeapOnLinuxTest, ManyGibibytesMayBeTakenWithoutTouchingThem) {
  constexpr std::size_t kPages = (std::size_t{3} << 30 >> 12) - 1;
  Span* span = take(kPages);
  ASSERT_NE(span, nullptr);
  start_of(span)[0] = 1;
  start_of(span)[kPages * kPageBytes - 1] = 2;
  EXPECT_TRUE(runs_->grow(span, kPages + 1));
  runs_->shrink(span, 10);
  runs_->free(span, 10, 10);
}

TEST_F(RunHeapOnLinuxTest, PagesMoveFromRunToRun) {
  constexpr std::size_t kPages = 100;
  Span* from = take(kPages);
  Span* wall = take(1);
  Span* to = take(2 * kPages);
  unsigned char* p = start_of(from);
  for (std::size_t i = 0; i < kPages; ++i) p[i * kPageBytes + i] = static_cast<unsigned char>(i);
  ASSERT_TRUE(runs_->os().move_pages(p, start_of(to), kPages * kPageBytes));
  EXPECT_TRUE(is_zero(from));
  for (std::size_t i = 0; i < kPages; ++i) EXPECT_EQ(start_of(to)[i * kPageBytes + i], i);
  from->is_fresh = true;
  runs_->free(from, kPages, 0);
  Span* again = take(kPages);
  EXPECT_EQ(again, from);
  EXPECT_TRUE(again->is_fresh);
  memset(start_of(again), 1, kPages * kPageBytes);
  for (Span* span : {again, wall, to}) runs_->free(span, span->run_pages, span->run_pages);
  runs_->purge();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own use is too large
// 64 MiB more than the process has: most of that can be had, given back and had again.
TEST(RunHeapOnLinuxDeathTest, UnderALimitMostOfItIsThere) {
  EXPECT_EXIT(
      {
        static RunHeap<LinuxPages> runs;
        support::limit_address_space(support::address_space_bytes() + (std::size_t{64} << 20));
        Span* spans[1000];
        std::size_t pages[2] = {};
        for (std::size_t& had : pages) {
          std::size_t count = 0;
          for (; (spans[count] = runs.allocate(50, 0, SpanState::kLarge, false)) != nullptr;
               ++count) {
            memset(reinterpret_cast<void*>(runs.map().address_of(spans[count]->first_page)), 1,
                   50 * kPageBytes);
          }
          had = runs.used_pages();
          for (std::size_t i = 0; i < count; ++i) runs.free(spans[i], 50, 50);
          runs.purge();
        }
        const bool is_most = pages[0] * kPageBytes >= std::size_t{48} << 20;
        _exit(!is_most + 2 * (pages[1] != pages[0]) + 4 * (runs.check() != 0));
      },
      testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace mem
