#include "core/mem/slab_heap_fit_impl.h"

#include <bit>

#include "tests/unit/core/mem/slab_heap_fixture.h"

namespace mem {
namespace {

// --- holes ---------------------------------------------------------------------------------------

// Slabs of 48 bytes of whose objects each 32nd lives.
class SlabHoleTest : public SlabHeapTest {
 protected:
  SlabHoleTest() {
    make_hot(a_, 48);
    for (int i = 0; i < 12; ++i) {
      const Objects slab = fill_slab(a_, 48);
      all_.insert(all_.end(), slab.begin(), slab.end());
    }
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (i % 32 == 7) {
        kept_.push_back(all_[i]);
      } else {
        heap_->deallocate(a_, all_[i]);
      }
    }
    EXPECT_NE(a_.sparse[3].first(), nullptr);
    EXPECT_EQ(a_.sparse_bins[0], std::uint64_t{1} << 3);
    pages_ = a_.owned_pages;
    expect_sound();
  }
  bool is_in_a_hole(const void* p) {
    return p >= *std::min_element(all_.begin(), all_.end()) &&
           p <= *std::max_element(all_.begin(), all_.end());
  }
  void expect_kept_intact() {
    for (void* p : kept_) ASSERT_EQ(*static_cast<void**>(p), p);
  }

  Objects all_;
  Objects kept_;
  std::size_t pages_ = 0;
};

TEST_F(SlabHoleTest, OtherSizesAreFittedIntoSparseSlabsBeforeFreshPages) {
  Objects fitted;
  for (int i = 0; i < 20; ++i) {
    auto* p = static_cast<char*>(slabs_.allocate_fit(a_, 300, 0));
    memset(p, 0x5a, 300);
    EXPECT_TRUE(is_in_a_hole(p));
    EXPECT_EQ(span(p)->state(), SpanState::kFit);
    EXPECT_EQ(heap_->usable_size(p), 304u);
    fitted.push_back(p);
    expect_sound();
  }
  EXPECT_EQ(a_.owned_pages, pages_);
  expect_kept_intact();
  // The slab's own objects are found by the table now, and freed into it.
  for (void* p : kept_) EXPECT_EQ(heap_->usable_size(p), 48u);
  free(a_, kept_);
  expect_sound();
  free(a_, fitted);
  expect_nothing_left();
}

TEST_F(SlabHoleTest, ABinTakesRowsOutOfHolesBeforeFreshPages) {
  make_hot(a_, 16);
  std::set<void*> seen;
  for (int i = 0; i < 500; ++i) {
    void* p = allocate(a_, 16);
    ASSERT_TRUE(seen.insert(p).second);
    ASSERT_TRUE(is_in_a_hole(p));
    memset(p, 0xa5, 16);
  }
  EXPECT_EQ(a_.owned_pages, pages_);
  EXPECT_EQ(a_.current[1], &no_slab);
  expect_kept_intact();
  expect_sound();
  free(a_, Objects(seen.begin(), seen.end()));
  expect_sound();
  free(a_, kept_);
  expect_nothing_left();
}

TEST_F(SlabHoleTest, ABinWhoseObjectsInHolesAreFreedOftenGetsASlab) {
  make_hot(a_, 16);
  const auto next_of_empty_bin = [&] {
    while (a_.bins[1]->free != nullptr) allocate(a_, 16);
    return span(allocate(a_, 16))->state();
  };
  const Objects objects = allocate(a_, 16, tuning::kFillUses);
  for (unsigned i = 0; i + 1 < tuning::kFillUses; ++i) heap_->deallocate(a_, objects[i]);
  EXPECT_EQ(next_of_empty_bin(), SpanState::kFit);
  heap_->deallocate(a_, objects.back());
  EXPECT_EQ(next_of_empty_bin(), SpanState::kCurrent);
  expect_kept_intact();
  expect_sound();
}

TEST_F(SlabHoleTest, AFreeOfARemoteThreadFindsAnOpenedSlab) {
  free(b_, {kept_[0], kept_[1]});  // not sent yet
  for (std::size_t i = 0; i < 100; ++i) allocate(a_, 16 + 288 * (i % 2));
  slabs_.flush(b_);
  slabs_.collect(a_);
  expect_sound();
  free(b_, Objects(kept_.begin() + 2, kept_.end()));
  expect_sound();
}

// Else bins would be served from it object by object, where a slab costs less.
TEST_F(SlabHeapTest, ASpanThatHoldsNothingIsNoHole) {
  Objects objects;
  for (int i = 0; i < 64; ++i) objects.push_back(slabs_.allocate_fit(a_, 1024, 0));
  for (int i = 0; i < 2; ++i) objects.push_back(slabs_.allocate_fit(a_, 32768, 0));
  free(b_, objects);  // so that none waits in its bin
  slabs_.flush(b_);
  slabs_.collect(a_);
  ASSERT_NE(a_.areas[0].empty, nullptr);
  ASSERT_NE(a_.areas[1].empty, nullptr);
  ASSERT_GE(a_.areas[0].free_granules + a_.areas[1].free_granules, tuning::kMinHoles);
  make_hot(a_, 2000);
  EXPECT_EQ(span(allocate(a_, 2000))->state(), SpanState::kCurrent);
  expect_sound();
}

TEST_F(SlabHeapTest, TablesAreMadeOneByOne) {
  allocate(a_, 48);
  EXPECT_EQ(a_.spare_tables, nullptr);
  const std::size_t unmade = a_.unmade_table_count;
  EXPECT_GT(unmade, 2u);
  allocate(a_, 8000);  // in the other area
  EXPECT_EQ(a_.unmade_table_count, unmade - 1);
}

// Three of four pages of what is fitted are about to be holes.
class SlabDiscardTest : public SlabHeapTest {
 protected:
  static constexpr std::size_t kPieces = 180;
  static constexpr std::size_t kPiecePages = 4;

  SlabDiscardTest() {
    for (std::size_t i = 0; i < kPieces; ++i) {
      pieces_.push_back(slabs_.allocate_fit(a_, kPiecePages * kPageBytes, 0));
      if (i % 3 != 2) continue;
      kept_.push_back(slabs_.allocate_fit(a_, 2 * kPageBytes, 0));
      *static_cast<void**>(kept_.back()) = kept_.back();
    }
    make_hot(a_, 48);
    os().advance_ms(1000);
  }
  SimulatedPages& os() { return heap_->runs().os(); }
  std::uint64_t discards() { return os().calls(PageCall::kDiscard); }
  std::uint64_t discarded_pages() { return heap_->detailed_stats(a_).fits[1].discarded_pages; }
  std::uint64_t resident_hole_pages() {
    int pages = 0;
    for (FitArea& area : a_.areas) {
      area.lists.for_each(
          [&](FitTable& table) { pages += std::popcount(table.pages_to_discard()); });
    }
    return static_cast<std::uint64_t>(pages);
  }
  // With which the heap looks at its holes.
  void give_a_run_back() {
    const Objects slabs[] = {fill_slab(a_, 48), fill_slab(a_, 48)};
    for (const Objects& slab : slabs) free(a_, slab);
  }
  void expect_kept_intact() {
    for (void* p : kept_) ASSERT_EQ(*static_cast<void**>(p), p);
    expect_sound();
  }

  Objects pieces_;
  Objects kept_;
};

TEST_F(SlabDiscardTest, PagesInHolesGoBackOnceHolesAreMostOfTheHeap) {
  make_hot(a_, 2048);
  free(a_, fill_slab(a_, 2048));
  give_a_run_back();
  free(a_, pieces_);
  EXPECT_EQ(discards(), 0u);
  EXPECT_NE(a_.kept[bin_of(2048)], nullptr);
  const std::uint64_t held = heap_->stats(a_).total_pages;
  give_a_run_back();
  const std::uint64_t given = discarded_pages();
  EXPECT_GE(given, (kPieces - 2) * kPiecePages);  // but for the few that wait in their bin
  EXPECT_LE(heap_->stats(a_).total_pages, held - given);
  EXPECT_EQ(a_.kept[bin_of(2048)], nullptr);
  EXPECT_GE(heap_->runs().stats().purged_pages, given);
  expect_kept_intact();

  const std::size_t owned = a_.owned_pages;
  const Objects again = {slabs_.allocate_fit(a_, kPiecePages * kPageBytes, 0)};
  memset(again[0], 1, kPiecePages * kPageBytes);
  EXPECT_EQ(discarded_pages(), given - kPiecePages);
  EXPECT_EQ(a_.owned_pages, owned);
  expect_kept_intact();
  free(a_, again);
  free(a_, kept_);
  expect_nothing_left();
}

TEST_F(SlabDiscardTest, TheyGoBackAgainWhenItIsTime) {
  free(a_, pieces_);
  give_a_run_back();
  Objects again;  // more than wait in their bin
  for (unsigned i = 0; i < tuning::kCacheObjects + 2; ++i) {
    again.push_back(slabs_.allocate_fit(a_, kPiecePages * kPageBytes, 0));
  }
  free(a_, again);
  const std::uint64_t left = resident_hole_pages();
  EXPECT_GE(left, kPiecePages);
  os().advance_ms(tuning::kPurgePeriodMs - 1);
  give_a_run_back();
  EXPECT_EQ(resident_hole_pages(), left);
  os().advance_ms(1);
  give_a_run_back();
  EXPECT_EQ(resident_hole_pages(), 0u);
  expect_kept_intact();
}

TEST_F(SlabDiscardTest, AYoungHeapKeepsThem) {
  ThreadHeap& young = *slabs_.adopt();
  Objects pieces;
  for (std::size_t i = 0; i < kPieces; ++i) {
    pieces.push_back(slabs_.allocate_fit(young, kPiecePages * kPageBytes, 0));
    if (i % 3 == 2) slabs_.allocate_fit(young, 2 * kPageBytes, 0);
  }
  make_hot(young, 48);
  const auto give_a_run_back = [&] {
    const Objects slabs[] = {fill_slab(young, 48), fill_slab(young, 48)};
    for (const Objects& slab : slabs) free(young, slab);
  };
  free(young, pieces);
  give_a_run_back();
  EXPECT_EQ(discards(), 0u);
  os().advance_ms(tuning::kPurgePeriodMs);
  give_a_run_back();
  EXPECT_NE(discards(), 0u);
}

TEST_F(SlabDiscardTest, OrWhenWhatLivesHasHalved) {
  free(a_, pieces_);
  give_a_run_back();
  const auto free_kept = [&](std::size_t count) {
    free(a_, Objects(kept_.end() - static_cast<std::ptrdiff_t>(count), kept_.end()));
    kept_.resize(kept_.size() - count);
    give_a_run_back();
  };
  free_kept(kept_.size() / 4);
  EXPECT_NE(resident_hole_pages(), 0u);
  free_kept(kept_.size() / 2);
  EXPECT_EQ(resident_hole_pages(), 0u);
  expect_kept_intact();
}

TEST_F(SlabDiscardTest, FewHolesAreLeftAlone) {
  const std::size_t half = kPieces / 2;
  free(a_, Objects(pieces_.begin(), pieces_.begin() + half));
  give_a_run_back();
  EXPECT_EQ(discards(), 0u);
  expect_kept_intact();
}

TEST_F(SlabDiscardTest, ATrimGivesThemBackAtOnce) {
  free(a_, {pieces_[0], pieces_[1], pieces_[2]});
  EXPECT_GE(heap_->purge(a_), 3 * kPiecePages * kPageBytes);
  EXPECT_EQ(discarded_pages(), 3 * kPiecePages);
  expect_kept_intact();
}

TEST_F(SlabHeapTest, ATrimGivesBackThePagesOfSparseSlabsToo) {
  make_hot(a_, 48);
  Objects kept;
  Objects gone;
  for (int i = 0; i < 6; ++i) {
    const Objects slab = fill_slab(a_, 48);
    kept.push_back(slab[0]);
    gone.insert(gone.end(), slab.begin() + 1, slab.end());
  }
  free(a_, gone);
  ASSERT_NE(a_.sparse[3].first(), nullptr);
  const std::size_t held = heap_->stats(a_).total_pages;
  heap_->purge(a_);
  EXPECT_EQ(a_.sparse[3].first(), nullptr);
  EXPECT_GE(heap_->detailed_stats(a_).fits[0].discarded_pages, 6u);
  EXPECT_LE(heap_->stats(a_).total_pages, held - 6);
  for (void* p : kept) EXPECT_EQ(*static_cast<void**>(p), p);
  expect_sound();
  free(a_, kept);
  expect_nothing_left();
}

TEST_F(SlabDiscardTest, WhatTheKernelRefusesIsStillHeld) {
  os().fail_every(PageCall::kDiscard, 1);
  free(a_, pieces_);
  give_a_run_back();
  EXPECT_NE(discards(), 0u);
  EXPECT_EQ(discarded_pages(), 0u);
  expect_kept_intact();
}

TEST_F(SlabHeapTest, MediumSizesAreKeptOutOfTheWayOfSmallOnes) {
  const void* small = allocate(a_, 100);
  const void* medium = allocate(a_, 5000);
  EXPECT_NE(span(small), span(medium));
  EXPECT_EQ(span(small)->fit->area, 0);
  EXPECT_EQ(span(medium)->fit->area, 1);
}

TEST_F(SlabHeapTest, ResizesAFittedObjectIntoTheGapBehindIt) {
  void* p = slabs_.allocate_fit(a_, 100, 0);
  void* q = slabs_.allocate_fit(a_, 100, 0);
  Span* of = span(p);
  const auto resize = [&](void* object, std::size_t bytes, std::size_t roomy) {
    return slabs_.resize_fit(a_, of, slabs_.require_live(a_, of, object), bytes, roomy);
  };
  EXPECT_FALSE(resize(p, 113, 113));
  EXPECT_EQ(heap_->usable_size(p), 112u);
  EXPECT_TRUE(resize(q, 900, 1000));
  EXPECT_EQ(heap_->usable_size(q), 1008u);
  EXPECT_FALSE(resize(q, 1025, 1200));  // of the other area
  EXPECT_TRUE(resize(q, 1020, 1025));
  EXPECT_EQ(heap_->usable_size(q), 1024u);
  EXPECT_TRUE(resize(p, 10, 10));
  EXPECT_EQ(heap_->usable_size(p), 16u);
  expect_sound();
  EXPECT_TRUE(resize(p, 50, 120));  // of which there is no more room
  EXPECT_EQ(heap_->usable_size(p), 64u);
  expect_sound();
  heap_->deallocate(a_, p);
  heap_->deallocate(a_, q);
  expect_nothing_left();
}

TEST_F(SlabHeapTest, FitsAtMultiplesOfTheAlignment) {
  Objects objects;
  for (std::size_t align = 32; align < kPageBytes; align *= 2) {
    for (std::size_t bytes : {1u, 100u, 5000u}) {
      objects.push_back(slabs_.allocate_fit(a_, bytes, align));
      EXPECT_TRUE(is_aligned(address(objects.back()), align));
    }
  }
  expect_sound();
  free(a_, objects);
  expect_nothing_left();
}

// The span that grows stands in its list behind more tables than are looked at, and has room at its
// end for what is asked for.
TEST_F(SlabHeapTest, TheGrowingSpanNeedNotGrow) {
  constexpr std::size_t kHole = 16384;
  constexpr std::size_t kRest = 24576;  // two of them and a hole are one span
  Objects rest;
  Objects holes;
  for (int i = 0; i < 5; ++i) {
    holes.push_back(allocate(a_, kHole));
    rest.push_back(allocate(a_, kRest));
    rest.push_back(allocate(a_, kRest));
    EXPECT_EQ(span(holes.back()), span(rest.back()));
  }
  const std::size_t asked = kHole + 1232;
  rest.push_back(allocate(a_, kRest + 1024));
  void* last = allocate(a_, asked);
  EXPECT_EQ(span(last), span(rest.back()));
  heap_->deallocate(a_, last);
  free(a_, holes);
  EXPECT_EQ(allocate(a_, asked), last);
  expect_sound();
  heap_->deallocate(a_, last);
  free(a_, rest);
  expect_nothing_left();
}

TEST_F(SlabHeapTest, KeepsOneEmptyFitSpanAnArea) {
  Objects objects;
  for (int i = 0; i < 12; ++i) objects.push_back(slabs_.allocate_fit(a_, 30000, 0));
  EXPECT_GE(a_.owned_pages, 3 * tuning::kFitPages);
  slabs_.set_object_bytes(a_, medium_bin(30000), 32768);  // so that none waits in its bin
  free(a_, objects);
  EXPECT_EQ(a_.owned_pages, tuning::kFitPages);
  ASSERT_NE(a_.areas[1].empty, nullptr);
  EXPECT_TRUE(a_.areas[1].empty->is_empty());
  expect_nothing_left();
}

using FitDeathTest = SlabHeapTest;

TEST_F(FitDeathTest, ADoubleFreeIsSeenOfABinThatHasSlabsMeanwhile) {
  void* fitted = slabs_.allocate_fit(a_, 512, 0);
  make_hot(a_, 512);
  const Objects slab = fill_slab(a_, 512);
  heap_->deallocate(a_, fitted);
  ASSERT_EQ(waiting(a_, bin_of(512)), 1u);
  EXPECT_DEATH(heap_->deallocate(a_, fitted), "double free");
}

TEST_F(FitDeathTest, APointerBehindTheLastObjectIsForeign) {
  auto* last = static_cast<char*>(slabs_.allocate_fit(a_, 512, 0));
  EXPECT_DEATH(heap_->deallocate(a_, last + 2 * kPageBytes), "in no memory of this heap");
  EXPECT_DEATH(heap_->deallocate(a_, last + 512), "double free");
  heap_->deallocate(a_, last);
  EXPECT_DEATH(heap_->deallocate(a_, last + 2 * kPageBytes), "in no memory of this heap");
}

}  // namespace
}  // namespace mem
