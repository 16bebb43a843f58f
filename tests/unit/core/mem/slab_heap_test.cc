#include "core/mem/slab_heap.h"

#include "tests/unit/core/mem/slab_heap_fixture.h"

namespace mem {
namespace {

// --- slabs ---------------------------------------------------------------------------------------

TEST_F(SlabHeapTest, ABinGetsSlabsWhenSoManyOfItsObjectsLive) {
  const Objects cold = allocate(a_, 48, tuning::kHotLive);
  for (void* p : cold) ASSERT_EQ(span(p)->state(), SpanState::kFit);
  EXPECT_EQ(a_.object_bytes[3], 0);
  const void* hot = allocate(a_, 48);
  EXPECT_EQ(span(hot)->state(), SpanState::kCurrent);
  EXPECT_EQ(span(hot), a_.current[3]);
  EXPECT_EQ(a_.object_bytes[3], 48);
  expect_sound();
}

TEST_F(SlabHeapTest, ABinGetsSlabsWhenAskedOftenEnough) {
  a_.cold_uses[3] = tuning::kHotUses - 1;
  EXPECT_EQ(span(allocate(a_, 48))->state(), SpanState::kFit);
  EXPECT_EQ(span(allocate(a_, 48))->state(), SpanState::kCurrent);
}

TEST_F(SlabHeapTest, CarvesAPageAfterTheOther) {
  // Of what starts in the page of an object, all is carved; but a page's first object comes alone.
  const auto carved_at = [](std::size_t start) {
    if (is_aligned(start, kPageBytes)) return start / 48 + 1;
    return (align_up(start, kPageBytes) + 47) / 48;
  };
  make_hot(a_, 48);
  const Objects first = allocate(a_, 48, 1);
  const Span* slab = span(first[0]);
  EXPECT_EQ(slab->carved, 1);  // its page is for the caller to touch
  EXPECT_EQ(a_.untouched, first[0]);
  std::uintptr_t expected = address(first[0]) + 48;
  EXPECT_TRUE(is_aligned(address(first[0]), kPageBytes));
  for (std::size_t i = 1; i < slab->capacity; ++i, expected += 48) {
    ASSERT_EQ(address(allocate(a_, 48)), expected);
    ASSERT_EQ(slab->carved, std::min<std::size_t>(slab->capacity, carved_at(i * 48)));
  }
  EXPECT_EQ(slab->carved, slab->capacity);
  EXPECT_NE(span(allocate(a_, 48)), slab);
  EXPECT_EQ(slab->state(), SpanState::kFull);
  expect_sound();
}

// Whatever the kernel gave as zeros need not be zeroed, but once handed out it may have been
// written.
TEST_F(SlabHeapTest, ZeroesAllButUntouchedObjects) {
  constexpr std::size_t kBytes = 4096;
  make_hot(a_, kBytes);
  const auto is_zero = [](const void* p) {
    const auto* bytes = static_cast<const unsigned char*>(p);
    return std::all_of(bytes, bytes + kBytes, [](unsigned char byte) { return byte == 0; });
  };
  void* p = heap_->allocate_zeroed(a_, kBytes);
  EXPECT_EQ(a_.untouched, p);
  EXPECT_TRUE(is_zero(p));
  memset(p, 1, kBytes);
  heap_->deallocate(a_, p);
  ASSERT_EQ(heap_->allocate_zeroed(a_, kBytes), p);
  EXPECT_NE(a_.untouched, p);
  EXPECT_TRUE(is_zero(p));
  // Nor are the pages of a run zero that was used before.
  memset(p, 1, kBytes);
  const std::size_t capacity = span(p)->capacity;
  Objects objects = allocate(a_, kBytes, capacity - 1);
  for (void* object : objects) memset(object, 1, kBytes);
  objects.push_back(p);
  slabs_.set_object_bytes(a_, bin_of(kBytes), kBytes);
  free(a_, objects);
  slabs_.release_empty(a_);
  ASSERT_TRUE(is_gone(p));
  void* again = heap_->allocate_zeroed(a_, kBytes);
  ASSERT_EQ(address(again), address(*std::min_element(objects.begin(), objects.end())));
  EXPECT_TRUE(is_zero(again));
}

TEST_F(SlabHeapTest, HandsOutWhatWasFreedLastFirst) {
  make_hot(a_, 64);
  const Objects objects = allocate(a_, 64, 64);  // one page
  free(a_, {objects[5], objects[9], objects[2]});
  EXPECT_EQ(live(span(objects[0])), 61u);
  EXPECT_EQ(allocate(a_, 64), objects[2]);
  EXPECT_EQ(live(span(objects[0])), 62u);
  EXPECT_EQ(allocate(a_, 64), objects[9]);
  EXPECT_EQ(allocate(a_, 64), objects[5]);
  EXPECT_EQ(live(span(objects[0])), 64u);
  expect_sound();
}

// Its frees are counted as those of any slab, and could come to an event after two thousand
// million.
TEST_F(SlabHeapTest, ACurrentSlabStaysCurrentHoweverOftenItsObjectsAreFreed) {
  make_hot(a_, 64);
  const Objects objects = allocate(a_, 64, 3);
  Span* slab = span(objects[0]);
  slab->need = 2;
  free(a_, {objects[1], objects[2]});
  EXPECT_EQ(slab->state(), SpanState::kCurrent);
  EXPECT_EQ(slab->need, Span::kNoEvent);
  EXPECT_EQ(live(slab), 1u);
  EXPECT_EQ(allocate(a_, 64), objects[2]);
  expect_sound();
}

TEST_F(SlabHeapTest, ASlabPassesThroughItsStates) {
  make_hot(a_, 128);
  Objects objects = fill_slab(a_, 128);
  Span* slab = span(objects[0]);
  const std::uint32_t capacity = slab->capacity;
  const std::uint32_t sparse_at = capacity / tuning::kSparse;
  ASSERT_GT(sparse_at, 1u);
  EXPECT_EQ(slab->need, 1u);
  for (std::uint32_t lives = capacity; lives-- > 0;) {
    heap_->deallocate(a_, objects.back());
    objects.pop_back();
    ASSERT_EQ(live(slab), lives);
    ASSERT_EQ(slab->state(), lives > sparse_at ? SpanState::kAvailable : SpanState::kSparse);
    ASSERT_EQ(a_.available[8].first(), lives > sparse_at ? slab : nullptr);
    ASSERT_EQ(a_.sparse[8].first(), lives <= sparse_at && lives > 0 ? slab : nullptr);
    expect_sound();
  }
  EXPECT_EQ(a_.kept[8], slab);
}

TEST_F(SlabHeapTest, KeepsOneEmptySlabAndGivesTheOthersBack) {
  make_hot(a_, 128);
  const Objects first = fill_slab(a_, 128);
  const Objects second = fill_slab(a_, 128);
  const std::size_t pages = heap_->runs().used_pages();
  const std::size_t second_pages = slab_pages(span(second[0])->capacity, 128);
  free(a_, first);
  EXPECT_EQ(heap_->runs().used_pages(), pages);
  free(a_, second);
  EXPECT_EQ(heap_->runs().used_pages(), pages - second_pages);
  EXPECT_TRUE(is_gone(second[0]));
  EXPECT_EQ(a_.kept[8], span(first[0]));
  EXPECT_EQ(span(allocate(a_, 128)), span(first[0]));  // the next need
  EXPECT_EQ(a_.kept[8], nullptr);
  expect_sound();
}

TEST_F(SlabHeapTest, ABinWhoseSizeChangesKeepsNoSlab) {
  make_hot(a_, 4096);
  free_past_bin(a_, fill_slab(a_, 4096));
  const Span* kept = a_.kept[bin_of(4096)];
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(span(allocate(a_, 4096)), kept);
  a_.looked_at_pages = 1000;  // none goes back for lying idle
  make_hot(a_, 5120);
  free_past_bin(a_, fill_slab(a_, 5120));
  ASSERT_NE(a_.kept[bin_of(5120)], nullptr);
  make_hot(a_, 5000);
  EXPECT_EQ(a_.kept[bin_of(5000)], nullptr);
  expect_sound();
}

TEST_F(SlabHeapTest, WhatLiesIdleGoesBackWhileTheHeapGrows) {
  make_hot(a_, 64);
  make_hot(a_, 96);
  heap_->deallocate(a_, allocate(a_, 64));
  void* busy = allocate(a_, 96);
  Span* const current = span(busy);
  make_hot(a_, 128);
  void* alive = allocate(a_, 128);
  *static_cast<void**>(alive) = alive;
  make_hot(a_, 2048);
  free(a_, fill_slab(a_, 2048));
  ASSERT_NE(a_.current[bin_of(64)], &no_slab);
  ASSERT_NE(a_.kept[bin_of(2048)], nullptr);
  make_hot(a_, 256);
  const std::size_t before = a_.owned_pages;
  while (a_.owned_pages < before + 4 * tuning::kIdleFloor) {
    allocate(a_, 256);
    heap_->deallocate(a_, busy);
    EXPECT_EQ(allocate(a_, 96), busy);
  }
  EXPECT_EQ(a_.current[bin_of(64)], &no_slab);
  EXPECT_EQ(a_.kept[bin_of(2048)], nullptr);
  EXPECT_EQ(a_.current[bin_of(96)], current);
  // Of a bin with live objects the slab is open to others.
  EXPECT_EQ(span(alive)->state(), SpanState::kSparse);
  EXPECT_EQ(*static_cast<void**>(alive), alive);
  expect_sound();
}

TEST_F(SlabHeapTest, ReusesAvailableSlabsThenSparseOnesThenTheKept) {
  make_hot(a_, 512);
  Objects slabs[3] = {fill_slab(a_, 512), fill_slab(a_, 512), fill_slab(a_, 512)};
  free(a_, slabs[0]);  // kept
  free(a_, Objects(slabs[1].begin() + 1, slabs[1].end()));
  free(a_, {slabs[2][0]});
  EXPECT_EQ(span(slabs[1][0])->state(), SpanState::kSparse);
  EXPECT_EQ(span(slabs[2][0])->state(), SpanState::kAvailable);
  EXPECT_EQ(allocate(a_, 512), slabs[2][0]);
  for (std::size_t i = 1; i < slabs[1].size(); ++i) {
    EXPECT_EQ(span(allocate(a_, 512)), span(slabs[1][0]));
  }
  EXPECT_EQ(span(allocate(a_, 512)), span(slabs[0][0]));
  expect_sound();
}

TEST_F(SlabHeapTest, PagesOfAFreshSlabComeAtOnceIfItsBinHasMany) {
  const auto populated = [&] { return heap_->runs().os().calls(PageCall::kPopulate); };
  make_hot(a_, 512);
  Objects objects;
  for (unsigned i = 0; i < tuning::kPopulateFrom; ++i) objects = fill_slab(a_, 512);
  EXPECT_EQ(populated(), 0u);
  const Objects more[] = {fill_slab(a_, 512), fill_slab(a_, 512)};
  EXPECT_EQ(populated(), 2u);
  free(a_, more[0]);  // kept
  free(a_, more[1]);
  free(a_, objects);
  for (int i = 0; i < 3; ++i) fill_slab(a_, 512);  // whose pages are there
  EXPECT_EQ(populated(), 2u);
  expect_sound();
}

// --- exact sizes ---------------------------------------------------------------------------------

TEST_F(SlabHeapTest, MediumBinsHoldTheLargestSizeThatWasAskedFor) {
  ASSERT_EQ(medium_bin(1930), medium_bin(2048));
  for (unsigned i = 0; i < tuning::kHotLive; ++i) allocate(a_, i == 3 ? 2000 : 1930);
  const void* hot = allocate(a_, 1930);
  EXPECT_EQ(span(hot)->state(), SpanState::kCurrent);
  EXPECT_EQ(heap_->usable_size(hot), 2000u);
  EXPECT_EQ(a_.object_bytes[medium_bin(2000)], 2000);
  expect_sound();
}

// Two slabs of a bin whose objects are about to grow: one full, one with a single object.
class OutdatedSlabTest : public SlabHeapTest {
 protected:
  OutdatedSlabTest() {
    slabs_.set_object_bytes(a_, bin_, 1088);
    full_ = fill_slab(a_, 1088);
    sparse_ = fill_slab(a_, 1088);
    free_past_bin(a_, Objects(sparse_.begin() + 1, sparse_.end()));
  }

  const unsigned bin_ = medium_bin(1088);
  Objects full_;
  Objects sparse_;
};

TEST_F(OutdatedSlabTest, ALargerSizeOfTheBinOutdatesItsSlabs) {
  const Objects current = allocate(a_, 1088, 2);
  heap_->deallocate(a_, current[0]);
  ASSERT_EQ(span(current[0])->state(), SpanState::kCurrent);
  ASSERT_EQ(span(current[0]), span(sparse_[0]));  // it was taken up again
  slabs_.set_object_bytes(a_, bin_, 1152);
  EXPECT_EQ(span(current[0])->state(), SpanState::kFit);  // its holes are for all sizes now
  EXPECT_EQ(live(span(current[0])), 2u);
  EXPECT_EQ(span(full_[0])->state(), SpanState::kFull);  // outdated at its first free
  EXPECT_EQ(a_.bins[bin_], &no_slab);
  EXPECT_EQ(a_.current[bin_], &no_slab);
  EXPECT_EQ(a_.available[bin_].first(), nullptr);
  EXPECT_EQ(a_.sparse[bin_].first(), nullptr);
  expect_sound();
  EXPECT_EQ(heap_->usable_size(full_[0]), 1088u);
  const void* larger = allocate(a_, 1152);
  EXPECT_EQ(heap_->usable_size(larger), 1152u);
  heap_->deallocate(a_, full_[0]);
  EXPECT_EQ(span(full_[0])->state(), SpanState::kOutdated);
  EXPECT_EQ(heap_->usable_size(allocate(a_, 1152)), 1152u);
  const Span* old = span(full_[1]);
  std::size_t freed = 1;
  for (; old->state() == SpanState::kOutdated && freed < full_.size(); ++freed) {
    EXPECT_EQ(live(old), old->capacity - freed);
    heap_->deallocate(a_, full_[freed]);
    expect_sound();
  }
  EXPECT_EQ(old->state(), SpanState::kFit);
  EXPECT_EQ(live(old), old->capacity / 2);
  free(a_, Objects(full_.begin() + static_cast<std::ptrdiff_t>(freed), full_.end()));
  free(a_, {sparse_[0], current[1]});
  EXPECT_TRUE(is_gone(full_[1]) || is_gone(sparse_[0]));  // one empty fit span stays
  expect_sound();
}

TEST_F(OutdatedSlabTest, WithoutMemoryForATableItGoesBackWhenItIsEmpty) {
  heap_->runs().os().fail_every(PageCall::kMap, 1);
  while (a_.unmade_table_count != 0) slabs_.allocate_fit(a_, kMaxMediumBytes, 0);
  slabs_.set_object_bytes(a_, bin_, 1152);
  EXPECT_EQ(span(sparse_[0])->state(), SpanState::kUnopened);
  EXPECT_EQ(live(span(sparse_[0])), 1u);
  expect_sound();
  free(a_, Objects(full_.begin() + 1, full_.end()));
  EXPECT_EQ(span(full_[0])->state(), SpanState::kUnopened);
  EXPECT_EQ(live(span(full_[0])), 1u);
  expect_sound();
  free(a_, {full_[0], sparse_[0]});
  EXPECT_TRUE(is_gone(full_[0]));
  EXPECT_TRUE(is_gone(sparse_[0]));
  expect_sound();
}

}  // namespace
}  // namespace mem
