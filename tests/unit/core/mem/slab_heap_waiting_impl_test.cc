#include "core/mem/slab_heap_waiting_impl.h"

#include <climits>
#include <utility>

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

// Full slabs, so many that three of their objects may wait.
class MediumWaitTest : public SlabHeapTest {
 protected:
  static constexpr std::size_t kBytes = 1088;
  static constexpr std::size_t kWaiting = 3;

  MediumWaitTest() {
    make_hot(a_, kBytes);
    std::size_t slabs = 1;
    while (tuning::loose_objects(slabs) < kWaiting) ++slabs;
    for (std::size_t i = 1; i < slabs; ++i) others_.push_back(fill_slab(a_, kBytes));
    objects_ = fill_slab(a_, kBytes);
    slab_ = span(objects_[0]);
  }

  const unsigned bin_ = bin_of(kBytes);
  std::vector<Objects> others_;
  Objects objects_;
  Span* slab_ = nullptr;
};

TEST_F(MediumWaitTest, AnObjectOfAFullSlabWaitsInItsBinAndTheSlabStaysFull) {
  const std::size_t all = heap_->stats(a_).live_blocks;
  free(a_, {objects_[1], objects_[7], objects_[4]});
  EXPECT_EQ(slab_->state(), SpanState::kFull);
  EXPECT_EQ(slab_->need, 1u);
  EXPECT_EQ(slab_->free, nullptr);
  EXPECT_EQ(waiting(a_, bin_), 3u);
  EXPECT_EQ(heap_->stats(a_).live_blocks, all - 3);
  EXPECT_EQ(heap_->detailed_stats(a_).bins[bin_].free_objects, 3u);
  expect_sound();
  EXPECT_EQ(allocate(a_, kBytes), objects_[4]);
  EXPECT_EQ(allocate(a_, kBytes), objects_[7]);
  EXPECT_EQ(allocate(a_, kBytes), objects_[1]);
  EXPECT_EQ(heap_->stats(a_).live_blocks, all);
  expect_sound();
}

TEST_F(MediumWaitTest, NoMoreWaitThanOneForAFewSlabs) {
  for (int round = 0; round < 4; ++round) {
    free(a_, {objects_[0], others_[0][0], objects_[1]});
    ASSERT_EQ(waiting(a_, bin_), kWaiting);
    ASSERT_EQ(slab_->state(), SpanState::kFull);
    allocate(a_, kBytes, 2);
    heap_->deallocate(a_, others_[0][0]);
    ASSERT_EQ(waiting(a_, bin_), 2u);
    allocate(a_, kBytes, 2);
    expect_sound();
  }
  free(a_, {objects_[0], objects_[1], objects_[2], objects_[3], objects_[4]});
  EXPECT_EQ(waiting(a_, bin_), kWaiting);
  EXPECT_EQ(slab_->state(), SpanState::kAvailable);
  EXPECT_EQ(live(slab_), objects_.size() - 2);
  expect_sound();
}

TEST_F(MediumWaitTest, ButOneForEachWhereThereAreMany) {
  while (a_.slab_counts[bin_] < 20) others_.push_back(fill_slab(a_, kBytes));
  for (std::size_t i = 0; i < 10; ++i) free(a_, {others_[i][0], others_[i][1]});
  EXPECT_EQ(waiting(a_, bin_), 20u);
  heap_->deallocate(a_, objects_[0]);
  EXPECT_EQ(waiting(a_, bin_), 20u);
  EXPECT_EQ(slab_->state(), SpanState::kAvailable);
  expect_sound();
}

TEST_F(MediumWaitTest, NorMoreThanSomeHoweverManySlabsThereAre) {
  constexpr std::size_t kMost = tuning::loose_objects(SIZE_MAX);
  while (others_.size() <= kMost) others_.push_back(fill_slab(a_, kBytes));
  for (std::size_t i = 0; i <= kMost; ++i) heap_->deallocate(a_, others_[i][0]);
  EXPECT_EQ(waiting(a_, bin_), kMost);
  EXPECT_EQ(span(others_[kMost][0])->state(), SpanState::kAvailable);
  expect_sound();
}

TEST_F(MediumWaitTest, ObjectsOutOfHolesCountToo) {
  Objects fitted;
  for (int i = 0; i < 40; ++i) fitted.push_back(slabs_.allocate_fit(a_, 8192, 0));
  heap_->deallocate(a_, fitted[0]);
  heap_->deallocate(a_, fitted[2]);
  a_.areas[1].sparse_granules += tuning::kMinHoles;  // so that holes are filled
  allocate(a_, kBytes);
  a_.areas[1].sparse_granules -= tuning::kMinHoles;
  const std::size_t row = waiting(a_, bin_);
  ASSERT_GE(row, 1u);
  ASSERT_LT(row, kWaiting);
  free(a_, {objects_.begin(), objects_.begin() + kWaiting});
  EXPECT_EQ(waiting(a_, bin_), kWaiting);
  EXPECT_EQ(live(slab_), objects_.size() - row);
  expect_sound();
}

TEST_F(MediumWaitTest, TheyGoBackToTheirSlabsWhenTheBinIsPutToRest) {
  free(a_, {objects_[0], objects_[1]});
  slabs_.set_object_bytes(a_, bin_, 1152);  // for which they are too small
  EXPECT_EQ(waiting(a_, bin_), 0u);
  EXPECT_EQ(slab_->state(), SpanState::kFit);
  EXPECT_EQ(live(slab_), objects_.size() - 2);
  heap_->deallocate(a_, objects_[2]);
  EXPECT_EQ(waiting(a_, bin_), 0u);
  expect_sound();
  // Nor do objects of slabs that are still full wait, whatever the bin has otherwise.
  std::vector<Objects> larger;
  for (std::size_t i = 0; i < others_.size(); ++i) larger.push_back(fill_slab(a_, 1152));
  ASSERT_GT(tuning::loose_objects(a_.slab_counts[bin_]), 0u);
  heap_->deallocate(a_, others_[0].back());
  EXPECT_EQ(span(others_[0][0])->state(), SpanState::kOutdated);
  EXPECT_EQ(waiting(a_, bin_), 0u);
  others_[0].pop_back();
  expect_sound();
  free(a_, Objects(objects_.begin() + 3, objects_.end()));
  for (const Objects& others : others_) free(a_, others);
  for (const Objects& objects : larger) free(a_, objects);
  expect_nothing_left();
}

// Each slab but one loses an object before any loses a second: as many wait as may.
TEST_F(MediumWaitTest, TheyGoBackWhenALoadEnds) {
  for (int round = 0; round < 3; ++round) {
    while (a_.owned_pages < 1024) others_.push_back(fill_slab(a_, kBytes));
    for (const Objects& others : others_) heap_->deallocate(a_, others[0]);
    ASSERT_EQ(waiting(a_, bin_), tuning::loose_objects(SIZE_MAX));
    for (const Objects& others : others_) free(a_, Objects(others.begin() + 1, others.end()));
    EXPECT_EQ(waiting(a_, bin_), 0u);
    EXPECT_LE(a_.owned_pages, 2 * slab_layout(kBytes, UINT_MAX).pages);  // one full, one empty
    expect_sound();
    others_.clear();
  }
}

TEST_F(MediumWaitTest, ASmallFallLeavesThemWaiting) {
  while (a_.slab_counts[bin_] < 20) others_.push_back(fill_slab(a_, kBytes));
  heap_->deallocate(a_, objects_[0]);
  for (const Objects& others : others_) free(a_, Objects(others.begin() + 1, others.end()));
  EXPECT_EQ(slab_->state(), SpanState::kFull);
  EXPECT_GE(waiting(a_, bin_), 1u);
  expect_sound();
}

TEST_F(MediumWaitTest, TheyGoBackWhenTheThreadEnds) {
  free(a_, {objects_.back()});
  objects_.pop_back();
  EXPECT_EQ(waiting(a_, bin_), 1u);
  for (const Objects& others : others_) free(a_, others);
  free(a_, objects_);
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
  EXPECT_EQ(live(slab_), 1u);
}

TEST_F(MediumWaitTest, CheckCountsThem) {
  free(a_, {objects_[0], objects_[1], objects_[2]});
  auto* second = static_cast<WaitingObject*>(a_.loose[bin_].free->next);
  EXPECT_EQ(slabs_.check(a_), 0);
  second->count = 1;
  EXPECT_EQ(slabs_.check(a_), 130);
  second->count = 2;
  FreeObject* third = std::exchange(second->next, nullptr);
  EXPECT_EQ(slabs_.check(a_), 130);
  second->next = third;
  EXPECT_EQ(slabs_.check(a_), 0);
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
