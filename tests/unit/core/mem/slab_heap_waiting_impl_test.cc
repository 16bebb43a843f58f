#include "core/mem/slab_heap_waiting_impl.h"

#include "tests/unit/core/mem/slab_heap_fixture.h"

namespace mem {
namespace {

// --- fitted objects ------------------------------------------------------------------------------

// A fitted object waits in its bin to be asked for again; not for a request that it is too small
// for, and not beyond the growth of the bin's size.
TEST_F(SlabHeapTest, ABinHandsOutNoObjectThatIsTooSmall) {
  const unsigned bin = medium_bin(2000);
  void* p = allocate(a_, 1936);
  heap_->deallocate(a_, p);
  EXPECT_EQ(a_.loose[bin].free, p);
  void* larger = allocate(a_, 2000);
  EXPECT_NE(larger, p);
  EXPECT_EQ(allocate(a_, 1936), p);
  slabs_.set_object_bytes(a_, bin, 1936);
  heap_->deallocate(a_, p);
  heap_->deallocate(a_, larger);
  EXPECT_EQ(a_.loose[bin].free, p);
  slabs_.set_object_bytes(a_, bin, 2048);
  EXPECT_EQ(a_.loose[bin].free, nullptr);
  expect_sound();
  void* q = allocate(a_, 1936);
  EXPECT_GE(heap_->usable_size(q), 2048u);
  // What is smaller than the bin's objects does not wait in it.
  slabs_.set_object_bytes(a_, bin, 0);
  void* small = slabs_.allocate_fit(a_, 1936, 0);
  slabs_.set_object_bytes(a_, bin, 2048);
  heap_->deallocate(a_, small);
  EXPECT_EQ(a_.loose[bin].free, nullptr);
  expect_sound();
}

TEST_F(SlabHeapTest, FewFittedObjectsWaitInTheirBins) {
  Objects objects;
  for (unsigned i = 0; i < tuning::kCacheObjects + 4; ++i) {
    objects.push_back(slabs_.allocate_fit(a_, 40, 0));
  }
  free(a_, objects);
  EXPECT_EQ(waiting(a_, 3), tuning::kCacheObjects);
  EXPECT_EQ(a_.fit_live[3], tuning::kCacheObjects);
  EXPECT_EQ(a_.cached[3], 3 * tuning::kCacheObjects);
  EXPECT_EQ(allocate(a_, 40), objects[tuning::kCacheObjects - 1]);  // the one freed last
  heap_->deallocate(a_, objects[tuning::kCacheObjects - 1]);
  expect_nothing_left();
}

// What waits keeps its span in use, and a bin that has slabs needs it less.
TEST_F(SlabHeapTest, OfABinWithSlabsOneFittedObjectWaitsAtATime) {
  const unsigned bin = bin_of(304);
  Objects objects;
  for (int i = 0; i < 4; ++i) objects.push_back(slabs_.allocate_fit(a_, 304, 0));
  make_hot(a_, 304);
  free(a_, objects);
  EXPECT_EQ(a_.loose[bin].free, objects[0]);
  EXPECT_EQ(a_.loose[bin].free->next, nullptr);
  EXPECT_EQ(a_.fit_live[bin], 1u);
  expect_sound();
  EXPECT_EQ(allocate(a_, 304), objects[0]);
  heap_->deallocate(a_, objects[0]);  // waits again
  EXPECT_EQ(allocate(a_, 304), objects[0]);
  allocate(a_, 304, 2);
  EXPECT_NE(a_.current[bin]->free, nullptr);
  heap_->deallocate(a_, objects[0]);
  EXPECT_EQ(a_.fit_live[bin], 0u);
  expect_sound();
}

// --- objects of medium slabs ---------------------------------------------------------------------

class MediumWaitTest : public SlabHeapTest {
 protected:
  static constexpr std::size_t kBytes = 1088;
  const unsigned bin_ = bin_of(kBytes);
  // A full slab, and room for three of its objects in the bin.
  const Objects objects_ = [&] {
    make_hot(a_, kBytes);
    return fill_slab(a_, kBytes);
  }();
  Span* const slab_ = span(objects_[0]);
};

TEST_F(MediumWaitTest, AnObjectOfAFullSlabWaitsInItsBinAndTheSlabStaysFull) {
  free(a_, {objects_[1], objects_[7], objects_[4]});
  EXPECT_EQ(slab_->state(), SpanState::kFull);
  EXPECT_EQ(slab_->need, 1u);
  EXPECT_EQ(slab_->free, nullptr);
  EXPECT_EQ(waiting(a_, bin_), 3u);
  EXPECT_EQ(a_.cached_granules, 3 * kBytes / 16);
  EXPECT_EQ(heap_->stats(a_).live_blocks, objects_.size() - 3);
  EXPECT_EQ(heap_->detailed_stats(a_).bins[bin_].free_objects, 3u);
  expect_sound();
  EXPECT_EQ(allocate(a_, kBytes), objects_[4]);
  EXPECT_EQ(allocate(a_, kBytes), objects_[7]);
  EXPECT_EQ(allocate(a_, kBytes), objects_[1]);
  EXPECT_EQ(heap_->stats(a_).live_blocks, objects_.size());
  expect_sound();
}

TEST_F(MediumWaitTest, NoMoreWaitThanAShareOfTheHeap) {
  free(a_, {objects_[0], objects_[1], objects_[2], objects_[3], objects_[4]});
  EXPECT_EQ(waiting(a_, bin_), 3u);
  EXPECT_EQ(slab_->state(), SpanState::kAvailable);
  EXPECT_EQ(live(slab_), objects_.size() - 2);
  expect_sound();
}

TEST_F(MediumWaitTest, NorMoreOfABinThanAFew) {
  a_.owned_pages += 10000;
  Objects more = fill_slab(a_, kBytes);
  more.insert(more.end(), objects_.begin(), objects_.end());
  free(a_, more);
  EXPECT_EQ(waiting(a_, bin_), tuning::kCacheObjects);
  a_.owned_pages -= 10000;
  expect_sound();
}

// Taking an object out of a bin counts nothing, so what is counted may be there no more.
TEST_F(MediumWaitTest, TheyAreCountedAgainBeforeThereIsNoRoom) {
  const Objects some(objects_.begin(), objects_.begin() + 3);
  for (int round = 0; round < 4; ++round) {
    free(a_, some);
    ASSERT_EQ(waiting(a_, bin_), 3u);
    ASSERT_EQ(slab_->state(), SpanState::kFull);
    allocate(a_, kBytes, 2);
    free(a_, {objects_[1]});
    ASSERT_EQ(waiting(a_, bin_), 2u);
    expect_sound();
    allocate(a_, kBytes, 2);
  }
  EXPECT_EQ(heap_->stats(a_).live_blocks, objects_.size());
}

TEST_F(MediumWaitTest, TheyGoBackToTheirSlabsWhenTheBinIsPutToRest) {
  free(a_, {objects_[0], objects_[1]});
  slabs_.set_object_bytes(a_, bin_, 1152);  // for which they are too small
  EXPECT_EQ(waiting(a_, bin_), 0u);
  EXPECT_EQ(a_.cached_granules, 0u);
  EXPECT_EQ(slab_->state(), SpanState::kOutdated);
  EXPECT_EQ(live(slab_), objects_.size() - 2);
  heap_->deallocate(a_, objects_[2]);
  EXPECT_EQ(waiting(a_, bin_), 0u);
  expect_sound();
  free(a_, Objects(objects_.begin() + 3, objects_.end()));
  expect_nothing_left();
}

TEST_F(MediumWaitTest, TheyGoBackWhenTheThreadEnds) {
  free(a_, objects_);
  EXPECT_EQ(waiting(a_, bin_), 3u);
  slabs_.abandon(a_);
  EXPECT_EQ(waiting(a_, bin_), 0u);
  EXPECT_EQ(heap_->runs().used_pages(), 0u);
}

// To its slab what waits lives; so it does to a slab that is opened to other sizes meanwhile.
TEST_F(MediumWaitTest, TheyOutliveTheirSlab) {
  free(a_, {objects_[0], objects_[1], objects_[2]});
  free(a_, Objects(objects_.begin() + 4, objects_.end()));
  EXPECT_EQ(slab_->state(), SpanState::kSparse);
  EXPECT_EQ(live(slab_), 4u);
  slabs_.allocate_fit(a_, 2000, 0);
  EXPECT_EQ(slab_->state(), SpanState::kFit);
  expect_sound();
  EXPECT_EQ(allocate(a_, kBytes), objects_[2]);
  expect_sound();
  heap_->deallocate(a_, objects_[2]);
  heap_->deallocate(a_, objects_[3]);
  heap_->purge(a_);
  expect_sound();
  EXPECT_EQ(heap_->stats(a_).live_blocks, 1u);
}

TEST_F(SlabHeapTest, SmallObjectsOfSlabsDoNotWait) {
  make_hot(a_, 1024);
  const Objects objects = fill_slab(a_, 1024);
  heap_->deallocate(a_, objects[0]);
  EXPECT_EQ(waiting(a_, bin_of(1024)), 0u);
  EXPECT_EQ(span(objects[0])->state(), SpanState::kAvailable);
}

using MediumWaitDeathTest = MediumWaitTest;

TEST_F(MediumWaitDeathTest, ASecondFreeIsSeen) {
  heap_->deallocate(a_, objects_[0]);
  EXPECT_DEATH(heap_->deallocate(a_, objects_[0]), "double free");
  free(a_, {objects_[1], objects_[2]});  // there is no more room
  EXPECT_DEATH(heap_->deallocate(a_, objects_[2]), "double free");
}

}  // namespace
}  // namespace mem
