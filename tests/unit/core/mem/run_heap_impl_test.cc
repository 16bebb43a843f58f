// What a run heap gives back to the kernel, and what it does when the kernel refuses.
#include "core/mem/run_heap_impl.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/unit/core/mem/run_heap_fixture.h"

namespace mem {
namespace {

class RunHeapImplTest : public RunHeapTest {
 protected:
  // Beyond the first 100 ms of the heap.
  void start_clock() {
    give(take(1), 0);
    os().advance_ms(1000);
  }

  static constexpr std::size_t kHugeBytes = std::size_t{2} << 20;
};

// --- dirty pages go back ------------------------------------------------------------------------

TEST_F(RunHeapImplTest, DirtyPagesStayWhileTheyAreFew) {
  start_clock();
  take(8000);
  for (Span* span : take_apart(95, 10)) give(span);
  EXPECT_EQ(dirty(), 950u);
  EXPECT_LE(dirty(), used() / 8);
  os().advance_ms(1000);
  give(take(1));
  EXPECT_EQ(calls(PageCall::kDiscard), 0u);
}

TEST_F(RunHeapImplTest, AsFewAs256DirtyPagesStay) {
  start_clock();
  give(take(256));
  EXPECT_EQ(calls(PageCall::kDiscard), 0u);
  give(take(257));
  EXPECT_EQ(calls(PageCall::kDiscard), 1u);
  EXPECT_EQ(dirty(), 0u);
}

TEST_F(RunHeapImplTest, PurgesDownToASixteenthOfWhatIsInUseTheHighestFirst) {
  start_clock();
  take(8000);
  const std::vector<Span*> spans = take_apart(120, 10);
  const std::size_t low = spans[0]->first_page;
  std::size_t freed = 0;
  while (calls(PageCall::kDiscard) == 0) give(spans[freed++]);
  // Purged by the free that made them more than an eighth, at the pages in use then.
  const std::size_t target = used() / 16;
  EXPECT_GT(freed * 10, used() / 8);
  EXPECT_LE((freed - 1) * 10, (used() + 10) / 8);
  EXPECT_LE(dirty(), target);
  EXPECT_GT(dirty() + 10, target);
  EXPECT_EQ(runs().stats().purged_pages, freed * 10 - dirty());
  Span* kept = take(10);
  EXPECT_EQ(kept->first_page, low);
  EXPECT_FALSE(kept->is_fresh);
}

TEST_F(RunHeapImplTest, PurgesAtMostOnceIn100Ms) {
  take(4000);
  std::vector<Span*> spans = take_apart(500, 10);
  const auto give_some = [&](std::size_t count) {
    for (; count > 0; --count) {
      give(spans.back());
      spans.pop_back();
    }
  };
  give_some(150);
  os().advance_ms(99);  // since the heap's first run
  give_some(1);
  EXPECT_EQ(calls(PageCall::kDiscard), 0u);
  EXPECT_EQ(dirty(), 1510u);
  os().advance_ms(1);
  give_some(1);
  EXPECT_LE(dirty(), used() / 16);
  std::uint64_t discards = calls(PageCall::kDiscard);
  EXPECT_GT(discards, 0u);

  give_some(100);
  os().advance_ms(99);
  give_some(1);
  EXPECT_EQ(calls(PageCall::kDiscard), discards);
  EXPECT_GT(dirty(), used() / 8);
  os().advance_ms(1);
  give_some(1);
  EXPECT_GT(calls(PageCall::kDiscard), discards);
  EXPECT_LE(dirty(), used() / 16);
  discards = calls(PageCall::kDiscard);
  give_some(100);
  EXPECT_EQ(calls(PageCall::kDiscard), discards);
}

TEST_F(RunHeapImplTest, FollowsALoadThatFallsByHalvesWhateverTheClock) {
  take(20);
  take(20);
  Span* first = take(2400);
  Span* second = take(600);
  Span* third = take(800);
  os().advance_ms(100);
  give(first);  // by the clock; 1440 pages are in use now
  EXPECT_LE(dirty(), 1440u / 16);
  give(second);  // more than half of them still are
  EXPECT_GE(dirty(), 600u);
  give(third);
  EXPECT_EQ(used(), 40u);
  EXPECT_LE(dirty(), 40u / 16);
}

TEST_F(RunHeapImplTest, AFallBeforeTheFirstPeriodIsOverIsFollowedToo) {
  take(20);
  Span* first = take(2400);
  Span* second = take(3000);
  give(first);
  EXPECT_EQ(calls(PageCall::kDiscard), 0u);
  give(second);
  EXPECT_LE(dirty(), 20u / 16);
}

TEST_F(RunHeapImplTest, ALoadThatFallsByShrinkingIsFollowedToo) {
  Span* span = take(6000);
  start_clock();
  shrink(span, 20);
  EXPECT_GE(calls(PageCall::kDiscard), 1u);
  EXPECT_LE(dirty(), 20u / 16);
}

TEST_F(RunHeapImplTest, ASmallLoadThatFallsIsLeftToTheClock) {
  take(20);
  Span* first = take(2400);
  Span* second = take(900);
  os().advance_ms(100);
  give(first);
  EXPECT_LE(dirty(), 920u / 16);
  give(second);
  EXPECT_GE(dirty(), 900u);
  os().advance_ms(100);
  give(take(1));
  EXPECT_LE(dirty(), 20u / 16);
}

TEST_F(RunHeapImplTest, ALoadThatComesAndGoesIsPurgedByTheClockOnly) {
  take(20);
  os().advance_ms(100);
  give(take(2048));
  EXPECT_LE(dirty(), 20u / 16);
  for (int round = 0; round < 50; ++round) give(take(2048));
  EXPECT_GE(dirty(), 2000u);
  os().advance_ms(200);
  give(take(1));
  EXPECT_LE(dirty(), 20u / 16);
}

TEST_F(RunHeapImplTest, WhatComesAgainEachTimeIsPurgedMoreAndMoreSeldom) {
  take(20);
  os().advance_ms(100);
  give(take(2048));
  EXPECT_LE(dirty(), 20u / 16);
  std::uint64_t period = tuning::kPurgePeriodMs;
  for (int round = 0; round < 8; ++round) {
    period = std::min(2 * period, tuning::kMaxPurgePeriodMs);
    give(take(2048));
    os().advance_ms(period - 1);
    give(take(1));
    ASSERT_GE(dirty(), 2000u) << period;
    os().advance_ms(1);
    give(take(1));
    ASSERT_LE(dirty(), 20u / 16) << period;
  }
  // As soon as less than half of it comes again the period is what it was.
  give(take(1000));
  os().advance_ms(tuning::kPurgePeriodMs - 1);
  give(take(1));
  EXPECT_GE(dirty(), 1000u);
  os().advance_ms(1);
  give(take(1));
  EXPECT_LE(dirty(), 20u / 16);
  give(take(1000));  // all of that
  os().advance_ms(2 * tuning::kPurgePeriodMs - 1);
  give(take(1));
  EXPECT_GE(dirty(), 1000u);
  os().advance_ms(1);
  give(take(1));
  EXPECT_LE(dirty(), 20u / 16);
}

TEST_F(RunHeapImplTest, WhatWasPurgedIsFreshAgain) {
  Span* span = take(20);
  take(1);
  give(span);
  EXPECT_EQ(runs().purge(), 20 * kPageBytes);
  EXPECT_EQ(dirty(), 0u);
  EXPECT_EQ(runs().purge(), 0u);
  EXPECT_TRUE(take(20)->is_fresh);
}

TEST_F(RunHeapImplTest, PurgeGivesBackMoreRunsThanOneBatch) {
  std::size_t pages = 0;
  std::vector<Span*> spans;
  for (std::size_t i = 0; i < 150; ++i) {
    spans.push_back(take(1 + i % 7));
    pages += 1 + i % 7;
    take(1);
  }
  for (Span* span : spans) give(span);
  EXPECT_EQ(runs().stats().purged_pages + dirty(), pages);
  const std::size_t left = dirty();
  EXPECT_EQ(runs().purge(), left * kPageBytes);
  EXPECT_EQ(dirty(), 0u);
  EXPECT_EQ(runs().stats().purged_pages, pages);
  EXPECT_EQ(used(), 150u);
}

TEST_F(RunHeapImplTest, PurgesEveryDirtyPageWhereverItIs) {
  for (const std::size_t pages :
       {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{200}}) {
    for (std::size_t offset = 0; offset < 3; ++offset) {
      Span* before = take(62 + offset);
      Span* span = take(pages);
      Span* behind = take(1);
      give(span);
      ASSERT_EQ(runs().purge(), pages * kPageBytes);
      ASSERT_EQ(runs().check(), 0);
      give(before, 0);
      give(behind, 0);
    }
  }
}

TEST_F(RunHeapImplTest, TheKernelIsCalledOutsideTheLockAndMeanwhileThePagesAreNobodys) {
  std::vector<Span*> spans = take_apart(40, 3);
  for (Span* span : spans) give(span);

  int calls_seen = 0;
  os().on_discard = [&] {
    ++calls_seen;
    ASSERT_TRUE(runs().mutex().try_lock());
    runs().mutex().unlock();
    ASSERT_FALSE(runs().purge_mutex().try_lock());  // who forks waits
    ASSERT_EQ(runs().check(), 0);
    if (calls_seen % 10 != 1) return;
    ASSERT_NE(take(3), nullptr);  // watched: not of those given back
  };
  runs().purge();
  os().on_discard = nullptr;
  EXPECT_EQ(calls_seen, 36);  // four were taken before their turn
  EXPECT_EQ(runs().check(), 0);
}

TEST_F(RunHeapImplTest, WhoFreesWhileAnotherThreadPurgesDoesNot) {
  start_clock();
  ASSERT_TRUE(runs().purge_mutex().try_lock());
  give(take(6000));
  EXPECT_EQ(calls(PageCall::kDiscard), 0u);
  runs().purge_mutex().unlock();
  runs().purge();
  EXPECT_EQ(dirty(), 0u);
}

TEST_F(RunHeapImplTest, WhatWaitsIsPurgedToo) {
  start_clock();
  take(20);
  const std::vector<Span*> spans = take_apart(3, 100);
  for (Span* span : spans) give(span);  // the last makes them more than may stay
  EXPECT_LE(dirty(), used() / 16);
  EXPECT_EQ(runs().stats().purged_pages, 300 - dirty());
  EXPECT_TRUE(take(100)->is_fresh);
}

// Joined neighbours make a run that none of them alone was.
TEST_F(RunHeapImplTest, NoMoreWaitThanAnEighthOfWhatIsInUse) {
  take(8000);
  std::vector<Span*> spans;
  for (int i = 0; i < 30; ++i) spans.push_back(take(50));
  take(1);
  const std::size_t fresh = runs().stats().longest_free;
  os().fail_every(PageCall::kReserve, 1);
  take(fresh);  // so that what is joined is the longest
  for (int i = 0; i < 20; ++i) give(spans[static_cast<std::size_t>(i)]);
  EXPECT_EQ(runs().stats().longest_free, 0u);  // 1000 pages of more than 8000 wait
  std::size_t given = 20;
  while (runs().stats().longest_free == 0) {
    ASSERT_LT(given, spans.size());
    give(spans[given++]);
  }
  EXPECT_GE(given * 50, used() / 8);
  EXPECT_EQ(runs().stats().longest_free, (given - 1) * 50);  // all but the last
}

TEST_F(RunHeapImplTest, TheLastOneWaitsHoweverLarge) {
  take(100);
  Span* large = take(3000);
  const std::uint32_t place = large->first_page;
  take(1);
  give(large);
  EXPECT_EQ(dirty(), 3000u);
  Span* again = take(3000);
  EXPECT_EQ(again->first_page, place);
  EXPECT_EQ(again, large);  // the span too: it was never joined
}

TEST_F(RunHeapImplTest, ARefusedDiscardLeavesThePagesDirty) {
  for (Span* span : take_apart(50, 2)) give(span);
  os().fail_every(PageCall::kDiscard, 1);
  EXPECT_EQ(runs().purge(), 0u);
  EXPECT_EQ(dirty(), 100u);
  EXPECT_EQ(runs().check(), 0);
  os().fail_every(PageCall::kDiscard, 2);
  EXPECT_EQ(runs().purge(), 50 * kPageBytes);
  EXPECT_EQ(dirty(), 50u);
  EXPECT_EQ(runs().stats().purged_pages, 50u);
}

// --- slots and regions --------------------------------------------------------------------------

TEST_F(RunHeapImplTest, EmptySlotsAreUnmappedButTheFirst) {
  take(1);
  const std::uint64_t held = os().pages_held();
  std::vector<Span*> spans;
  while (used() < 2 * kSlotPages + 1000) spans.push_back(take(1000));
  const std::uint64_t most = os().pages_held();
  for (Span* span : spans) give(span, 100);
  os().advance_ms(100);
  for (int i = 0; i < 3; ++i) give(take(500));  // and then more dirty pages than may stay
  EXPECT_GT(calls(PageCall::kUnmap), 2u);
  EXPECT_LE(os().pages_held(), most - kSlotPages);
  EXPECT_EQ(runs().check(), 0);
  runs().purge();
  EXPECT_GE(os().pages_held(), held);
  EXPECT_EQ(dirty(), 0u);
  EXPECT_EQ(used(), 1u);
  const std::uint64_t unmaps = calls(PageCall::kUnmap);
  spans.clear();
  while (used() < 2 * kSlotPages + 1000) {
    spans.push_back(take(1000));
    ASSERT_NE(spans.back(), nullptr);
    EXPECT_TRUE(spans.back()->is_fresh);
  }
  EXPECT_EQ(os().pages_held(), most);
  EXPECT_EQ(calls(PageCall::kUnmap), unmaps);
}

TEST_F(RunHeapImplTest, TheFirstSlotStaysThoughItIsEmpty) {
  std::vector<Span*> spans;
  while (used() < kSlotPages + 5000) spans.push_back(take(1000));
  for (Span* span : spans) give(span, 1);
  runs().purge();
  EXPECT_EQ(used(), 0u);
  EXPECT_GE(runs().stats().free_pages, kSlotPages);
  const std::uint64_t reserves = calls(PageCall::kReserve);
  take(kSlotPages);
  EXPECT_EQ(calls(PageCall::kReserve), reserves);
}

TEST_F(RunHeapImplTest, ARefusedUnmapKeepsTheSlot) {
  take(1);
  std::vector<Span*> spans;
  while (used() < 2 * kSlotPages) spans.push_back(take(1000));
  os().fail_every(PageCall::kUnmap, 1);
  const std::uint64_t held = os().pages_held();
  for (Span* span : spans) give(span, 1);
  runs().purge();
  EXPECT_EQ(os().pages_held(), held);
  EXPECT_EQ(runs().check(), 0);
  os().fail_every(PageCall::kUnmap, 0);
  runs().purge();
  EXPECT_LE(os().pages_held(), held - kSlotPages);
}

// What madvise refused goes back with its slot.
TEST_F(RunHeapImplTest, DirtyPagesOfAnUnmappedSlotCountAsGivenBack) {
  take(kSlotPages - 100);
  Span* large = take(kSlotPages + 200);
  os().fail_every(PageCall::kDiscard, 1);
  os().fail_every(PageCall::kUnmap, 1);
  give(large, 0);
  Span* some = take(50, kSlotPages * kPageBytes);
  give(some);
  os().fail_every(PageCall::kUnmap, 0);
  const std::size_t before = dirty();
  EXPECT_EQ(before, 50u);
  EXPECT_EQ(runs().purge(), 50 * kPageBytes);
  EXPECT_EQ(dirty(), 0u);
}

TEST_F(RunHeapImplTest, ALargeHeapOfSlabsGrowsByHugePages) {
  while (os().huge_pages() == 0) {
    ASSERT_LT(used(), 2 * tuning::kHugeFromPages);
    take(16, 0, SpanState::kFit, true);
  }
  EXPECT_LE(os().huge_pages() + tuning::kHugeFromPages, os().committed_pages());
  while (take(16, 0, SpanState::kFit, true)->first_page % 512 != 0) continue;
  for (std::size_t pages = 0; pages < 4096; pages += 16) {
    const Span* span = take(16, 0, SpanState::kFit, true);
    EXPECT_TRUE(os().is_huge(start_of(span))) << pages;
    EXPECT_TRUE(os().is_huge(start_of(span) - span->first_page % 512 * kPageBytes)) << pages;
  }
}

// Not while small ones are left before its boundary.
TEST_F(RunHeapImplTest, AHugePageComesWhenItsFirstPageIsNeeded) {
  const Span* span = nullptr;
  for (std::size_t i = 0; i < 2 * tuning::kHugeFromPages / 16; ++i) {
    if (i % 100 == 50) take(330);  // what large blocks commit ends anywhere
    const std::size_t before = os().huge_pages();
    span = take(16, 0, SpanState::kFit, true);
    if (os().huge_pages() == before) continue;
    ASSERT_TRUE(os().is_huge(start_of(span) + 16 * kPageBytes - 1));
    ASSERT_LE((span->first_page + 15) % 512, 15u);
  }
  EXPECT_GT(os().huge_pages(), 0u);
}

TEST_F(RunHeapImplTest, HugePagesThatTakeTooLongToComeAreAskedForNoMore) {
  const auto grow = [&] {
    for (std::size_t i = 0; i < 2 * tuning::kHugeFromPages / 16; ++i) {
      take(16, 0, SpanState::kFit, true);
    }
  };
  os().set_touch_us(tuning::kMaxHugeUs);
  grow();
  const std::size_t paying = os().huge_pages();
  grow();
  EXPECT_GT(os().huge_pages(), paying + 512);
  const std::size_t last = os().huge_pages();
  os().set_touch_us(tuning::kMaxHugeUs + 1);
  grow();
  EXPECT_EQ(os().huge_pages(), last + 512);  // of those of one step all but the first are none
  os().set_touch_us(0);
  grow();
  EXPECT_EQ(os().huge_pages(), last + 512);
}

TEST_F(RunHeapImplTest, PagesComeAtOnceButForThoseOfHugePages) {
  Span* span = take(8, 0, SpanState::kFit, true);
  runs().populate(span->first_page, 8);
  EXPECT_EQ(calls(PageCall::kPopulate), 1u);
  while (!os().is_huge(start_of(span))) span = take(16, 0, SpanState::kFit, true);
  runs().populate(span->first_page, 16);
  EXPECT_EQ(calls(PageCall::kPopulate), 1u);
}

TEST_F(RunHeapImplTest, LargeBlocksAskForNoHugePages) {
  for (int i = 0; i < 64; ++i) take(256);
  EXPECT_EQ(os().huge_pages(), 0u);
}

TEST_F(RunHeapImplTest, TablesAndSmallHeapsRefuseHugePages) {
  Span* small = take(16, 0, SpanState::kFit, true);
  EXPECT_TRUE(os().is_never_huge(start_of(small)));
  EXPECT_TRUE(os().is_never_huge(start_of(small) + 15 * kPageBytes));
  EXPECT_TRUE(os().is_never_huge(runs().map().entry_address(small->first_page)));
  EXPECT_TRUE(os().is_never_huge(reinterpret_cast<void*>(runs().map().address_of(0))));
  Span* large = take(2 * tuning::kHugeFromPages);
  EXPECT_FALSE(os().is_never_huge(start_of(large) + tuning::kHugeFromPages * kPageBytes));
  EXPECT_FALSE(os().is_never_huge(start_of(take(16))));  // up to the system
}

TEST_F(RunHeapImplTest, AHugePageIsNoneOnceAPartOfItIsPurged) {
  std::vector<Span*> spans;
  for (int i = 0; i < 384; ++i) spans.push_back(take(16, 0, SpanState::kFit, true));
  // From the middle of one huge page over a whole one into the middle of a third.
  std::size_t i = 0;
  while (!os().is_huge(start_of(spans[i])) || spans[i]->first_page % 512 != 0) ++i;
  std::byte* first = start_of(spans[i]);
  for (std::size_t k = i + 16; k < i + 80; ++k) give(spans[k]);
  EXPECT_GT(runs().purge(), 0u);
  EXPECT_FALSE(os().is_huge(first));
  EXPECT_FALSE(os().is_huge(first + kHugeBytes - 1));
  EXPECT_TRUE(os().is_huge(first + kHugeBytes));
  EXPECT_TRUE(os().is_huge(first + 2 * kHugeBytes - 1));
  EXPECT_FALSE(os().is_huge(first + 2 * kHugeBytes));
  EXPECT_FALSE(os().is_huge(first + 3 * kHugeBytes - 1));
  EXPECT_TRUE(os().is_huge(first + 3 * kHugeBytes));
  // Told once, not each time.
  const std::uint64_t told = calls(PageCall::kHuge);
  give(take(16, 0, SpanState::kFit, true));
  EXPECT_GT(runs().purge(), 0u);
  EXPECT_EQ(calls(PageCall::kHuge), told);
}

TEST_F(RunHeapImplTest, AHugePageIsNoneOncePagesOfASpanInItAreGivenBack) {
  std::vector<Span*> spans;
  for (int i = 0; i < 384; ++i) spans.push_back(take(16, 0, SpanState::kFit, true));
  std::size_t i = 0;
  while (!os().is_huge(start_of(spans[i])) || spans[i]->first_page % 512 != 0) ++i;
  const auto discard = [&](const Span* span, std::size_t from, std::size_t pages) {
    os().set_in_use(start_of(span) + from * kPageBytes, pages * kPageBytes, false);
    return runs().discard(span->first_page + from, pages);
  };
  const std::uint64_t purged = runs().stats().purged_pages;
  EXPECT_TRUE(discard(spans[i], 0, 2));
  EXPECT_TRUE(discard(spans[i + 63], 14, 2));
  EXPECT_EQ(runs().stats().purged_pages, purged + 4);
  const std::byte* first = start_of(spans[i]);
  EXPECT_FALSE(os().is_huge(first));
  EXPECT_FALSE(os().is_huge(first + kHugeBytes));
  EXPECT_TRUE(os().is_huge(first + 2 * kHugeBytes));
  os().fail_every(PageCall::kDiscard, 1);
  EXPECT_FALSE(discard(spans[i], 4, 2));
  EXPECT_EQ(runs().stats().purged_pages, purged + 4);
}

TEST_F(RunHeapImplTest, ARegionThatIsRefusedIsAskedForSmaller) {
  take(1);
  const std::size_t region = 1 + runs().stats().free_pages;  // 16 MiB under this limit
  EXPECT_EQ(region, 4096u);
  take(region - 1);
  os().reserves_to_refuse = 1;
  ASSERT_NE(take(1), nullptr);
  EXPECT_EQ(runs().stats().free_pages, region / 4 - 1);
  take(region / 4 - 1);
  os().reserves_to_refuse = 2;
  ASSERT_NE(take(1), nullptr);
  EXPECT_EQ(runs().stats().free_pages, 512u - 1);  // 2 MiB are the least
  take(511);
  os().reserves_to_refuse = 3;
  EXPECT_EQ(take(1), nullptr);
  EXPECT_EQ(runs().check(), 0);
  EXPECT_NE(take(1), nullptr);
}

TEST_F(RunHeapImplTest, ALargeRequestIsNotAskedForSmaller) {
  take(1);
  os().reserves_to_refuse = 1;
  EXPECT_EQ(take(6000), nullptr);
  EXPECT_EQ(used(), 1u);
  Span* span = take(6000);
  ASSERT_NE(span, nullptr);
  EXPECT_EQ(runs().check(), 0);
}

TEST_F(RunHeapImplTest, ARegionIsReservedElsewhereIfItsPlaceIsTaken) {
  Span* first = take(4096);
  auto* taken = start_of(first) + 4096 * kPageBytes;
  ASSERT_EQ(os().reserve(taken, kPageBytes, Access::kNone), taken);
  const std::uint64_t held = os().pages_held();
  Span* second = take(4096);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(os().pages_held(), held + 4096);  // nothing is left of what was not at its place
  EXPECT_EQ(runs().map().page_of(start_of(second)) % kSlotPages, 0u);  // at the next slot
  EXPECT_GT(second->first_page, first->first_page + 4096);
  EXPECT_EQ(runs().check(), 0);
}

// --- out of memory ------------------------------------------------------------------------------

TEST_F(RunHeapImplTest, EverythingIsAsItWasAfterARequestThatCannotBeMet) {
  Span* keep = take(5);
  const RunHeapStats before = runs().stats();
  const std::size_t window = runs().map().pages();
  for (const std::size_t pages : {window, window + 1, SIZE_MAX / kPageBytes, SIZE_MAX}) {
    EXPECT_EQ(take(pages), nullptr);
  }
  EXPECT_EQ(take(1, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(take(window / 2, window / 2 * kPageBytes), nullptr);
  EXPECT_EQ(runs().check(), 0);
  const RunHeapStats after = runs().stats();
  EXPECT_EQ(after.used_pages, before.used_pages);
  EXPECT_EQ(after.free_pages, before.free_pages);
  EXPECT_NE(take(1), nullptr);
  give(keep);
}

TEST_F(RunHeapImplTest, FailuresCostNeitherSpansNorAddressSpace) {
  take(4096);
  const std::uint64_t held = os().pages_held();
  for (const PageCall kind : {PageCall::kReserve, PageCall::kCommit}) {
    os().fail_every(kind, 1);
    for (int i = 0; i < 1100; ++i) ASSERT_EQ(take(1), nullptr);
    os().fail_every(kind, 0);
    EXPECT_EQ(os().pages_held(), held);
    EXPECT_EQ(runs().check(), 0);
  }
}

TEST_F(RunHeapImplTest, PagesThatCannotBeCommittedAreNotHandedOut) {
  Span* span = take(1);
  os().fail_every(PageCall::kCommit, 1);
  EXPECT_EQ(take(16), nullptr);  // less than a step
  EXPECT_EQ(take(1000), nullptr);
  EXPECT_FALSE(grow(span, 17));
  EXPECT_FALSE(grow(span, 1000));
  EXPECT_EQ(used(), 1u);
  EXPECT_EQ(runs().check(), 0);
  EXPECT_NE(take(15), nullptr);  // these were committed with the first
  os().fail_every(PageCall::kCommit, 0);
  EXPECT_NE(take(1000), nullptr);
}

TEST_F(RunHeapImplTest, SpansOfRunsThatWaitAreThereForOthers) {
  Span* large = take(20);
  os().fail_every(PageCall::kMap, 1);
  while (take(1, 0, SpanState::kFull, true) != nullptr) continue;
  give(large);
  EXPECT_NE(take(1, 0, SpanState::kFull, true), nullptr);
  EXPECT_EQ(runs().check(), 0);
}

TEST_F(RunHeapImplTest, RunsOutAndRecovers) {
  std::vector<Span*> spans;
  for (Span* span = take(500); span != nullptr; span = take(500)) spans.push_back(span);
  EXPECT_GT(spans.size() * 500, SimulatedPages::kArenaPages / 2);
  EXPECT_EQ(runs().check(), 0);
  EXPECT_EQ(take(500), nullptr);
  const std::uint32_t place = spans[40]->first_page;
  give(spans[40]);
  spans[40] = take(500);
  ASSERT_NE(spans[40], nullptr);
  EXPECT_EQ(spans[40]->first_page, place);
  for (Span* span : spans) give(span, 1);
  EXPECT_EQ(used(), 0u);
  EXPECT_EQ(runs().check(), 0);
  runs().purge();
  EXPECT_NE(take(500), nullptr);
}

TEST_F(RunHeapImplTest, WithoutAWindowThereIsNothingAndNothingIsHeld) {
  for (const PageCall kind : {PageCall::kReserve, PageCall::kCommit}) {
    os().fail_every(kind, 1);
    EXPECT_EQ(take(1), nullptr);
    EXPECT_EQ(os().pages_held(), 0u);
    EXPECT_EQ(runs().map().pages(), 0u);
    EXPECT_EQ(runs().check(), 0);
    os().fail_every(kind, 0);
  }
  os().fail_every(PageCall::kMap, 1);
  EXPECT_EQ(take(1), nullptr);  // no span
  EXPECT_EQ(runs().check(), 0);
  EXPECT_EQ(used(), 0u);
  os().fail_every(PageCall::kMap, 0);
  EXPECT_NE(take(1), nullptr);
}

TEST_F(RunHeapImplTest, AWindowThatIsRefusedIsAskedForSmaller) {
  os().reserves_to_refuse = 1;
  ASSERT_NE(take(1), nullptr);
  const std::size_t smaller = runs().map().pages();
  auto other = std::make_unique<RunHeap<WatchedPages>>();
  ASSERT_NE(other->allocate(1, 0, SpanState::kLarge, false), nullptr);
  EXPECT_EQ(smaller * 2, other->map().pages());
}

// --- at random, against a shadow of what is in use ----------------------------------------------

struct Mix {
  PageCall kind;
  unsigned fail_one_in;  // of these calls; 0 = none
  std::size_t most_pages;
};

class RunHeapRandomTest : public RunHeapImplTest, public testing::WithParamInterface<Mix> {
 protected:
  std::size_t draw(std::size_t below) { return random_() % below; }

  void step() {
    const std::size_t dice = draw(100);
    if (live_.empty() || dice < (used() < 30000 ? 48u : 30u)) {
      const RunHeapStats before = runs().stats();
      const std::size_t pages = 1 + draw(1 + draw(GetParam().most_pages));
      const std::size_t align = draw(8) == 0 ? kPageBytes << draw(8) : 0;
      Span* span = draw(2) == 0 ? take(pages, align, SpanState::kFull, true) : take(pages, align);
      if (span != nullptr) {
        live_.push_back(span);
        ++made_;
      } else {
        ASSERT_EQ(used(), before.used_pages);
        ASSERT_EQ(dirty(), before.dirty_pages);
      }
      return;
    }
    std::swap(live_[draw(live_.size())], live_.back());
    Span* span = live_.back();
    const std::size_t pages = span->run_pages;
    const bool is_large = span->state() == SpanState::kLarge;
    if (dice < 60 && is_large) {
      grow(span, pages + 1 + draw(20));
    } else if (dice < 70 && is_large && pages > 1) {
      shrink(span, 1 + draw(pages - 1));
    } else if (dice == 71) {
      runs().purge();
    } else if (dice == 72) {
      os().advance_ms(draw(60));
    } else {
      give(span, draw(pages + 1));
      live_.pop_back();
    }
  }

  std::mt19937_64 random_{GetParam().fail_one_in * 31 + GetParam().most_pages};
  std::vector<Span*> live_;
  int made_ = 0;
};

TEST_P(RunHeapRandomTest, KeepsItsInvariantsAndNeverGivesBackWhatIsInUse) {
  os().fail_one_in(GetParam().kind, GetParam().fail_one_in);
  std::size_t in_use = 0;
  for (int i = 0; i < 4000; ++i) {
    ASSERT_NO_FATAL_FAILURE(step()) << i;
    in_use = 0;
    for (const Span* span : live_) in_use += span->run_pages;
    ASSERT_EQ(used(), in_use) << i;
    ASSERT_EQ(os().violations(), 0) << i;
    ASSERT_EQ(i % 32 == 0 ? runs().check() : 0, 0) << i;
  }
  for (const PageCall kind : {PageCall::kMap, PageCall::kUnmap, PageCall::kDiscard,
                              PageCall::kReserve, PageCall::kCommit}) {
    os().fail_one_in(kind, 0);
  }
  EXPECT_GT(made_, 500);
  for (Span* span : live_) give(span);
  EXPECT_EQ(runs().check(), 0);
  runs().purge();
  EXPECT_EQ(dirty(), 0u);
  EXPECT_EQ(used(), 0u);
  EXPECT_EQ(runs().stats().large_pages, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Mixes, RunHeapRandomTest,
    testing::Values(Mix{PageCall::kMap, 0, 8}, Mix{PageCall::kMap, 0, 300},
                    Mix{PageCall::kMap, 0, 4000}, Mix{PageCall::kMap, 3, 300},
                    Mix{PageCall::kReserve, 2, 300}, Mix{PageCall::kReserve, 3, 4000},
                    Mix{PageCall::kCommit, 2, 300}, Mix{PageCall::kCommit, 3, 4000},
                    Mix{PageCall::kUnmap, 2, 4000}, Mix{PageCall::kDiscard, 1, 300},
                    Mix{PageCall::kDiscard, 3, 300}));

}  // namespace
}  // namespace mem
