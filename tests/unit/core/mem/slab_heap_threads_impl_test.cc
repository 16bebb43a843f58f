#include "core/mem/slab_heap_threads_impl.h"

#include "tests/unit/core/mem/slab_heap_fixture.h"

namespace mem {
namespace {

// --- between threads -----------------------------------------------------------------------------

class SlabThreadsTest : public SlabHeapTest {
 protected:
  SlabThreadsTest() {
    make_hot(a_, 64);
    make_hot(b_, 64);
    objects_ = fill_slab(a_, 64);
    slab_ = span(objects_[0]);
  }
  std::uint64_t remote_count() { return slab_->remote.load() >> 48; }

  Objects objects_;
  Span* slab_ = nullptr;
};

TEST_F(SlabThreadsTest, RemoteFreesWaitInTheRingThenAtTheSlabThenComeHome) {
  free(b_, {objects_[0], objects_[1], objects_[2]});
  EXPECT_EQ(slab_->remote.load(), 0u);
  EXPECT_EQ(a_.pending.load(), nullptr);
  EXPECT_EQ(live(slab_), slab_->capacity);
  slabs_.flush(b_);
  EXPECT_EQ(remote_count(), 3u);
  EXPECT_EQ(a_.pending.load(), slab_);
  EXPECT_EQ(live(slab_), slab_->capacity);  // until they are collected
  EXPECT_EQ(slab_->free, nullptr);
  slabs_.collect(a_);
  EXPECT_EQ(slab_->remote.load(), 0u);
  EXPECT_EQ(a_.pending.load(), nullptr);
  EXPECT_EQ(live(slab_), slab_->capacity - 3u);
  EXPECT_EQ(slab_->state(), SpanState::kAvailable);
  expect_sound();
  const Objects again = allocate(a_, 64, 3);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(std::count(again.begin(), again.end(), objects_[i]), 1);
}

TEST_F(SlabThreadsTest, ABatchIsSentWhenItIsLarge) {
  ASSERT_GE(objects_.size(), tuning::kBatchObjects);
  for (unsigned i = 0; i + 1 < tuning::kBatchObjects; ++i) heap_->deallocate(b_, objects_[i]);
  EXPECT_EQ(remote_count(), 0u);
  heap_->deallocate(b_, objects_[tuning::kBatchObjects - 1]);
  EXPECT_EQ(remote_count(), tuning::kBatchObjects);
}

TEST_F(SlabThreadsTest, SendersAddToTheListAndPushTheSlabOnce) {
  free(b_, {objects_[0], objects_[1]});
  free(c_, {objects_[2], objects_[3], objects_[4]});
  slabs_.flush(b_);
  slabs_.flush(c_);
  slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[5]));
  EXPECT_EQ(remote_count(), 6u);
  EXPECT_EQ(a_.pending.load(), slab_);
  EXPECT_EQ(slab_->pending, nullptr);
  slabs_.collect(a_);
  EXPECT_EQ(live(slab_), slab_->capacity - 6u);
  Objects again = allocate(a_, 64, 6);
  std::sort(again.begin(), again.end());
  EXPECT_EQ(again, Objects(objects_.begin(), objects_.begin() + 6));
  expect_sound();
}

TEST_F(SlabThreadsTest, ManyRemoteFreesPassSeveralEventsAtOnce) {
  free(b_, objects_);
  slabs_.flush(b_);
  slabs_.collect(a_);
  EXPECT_EQ(a_.kept[4], slab_);
  expect_sound();
  expect_nothing_left();
}

TEST_F(SlabThreadsTest, RemoteFreesReachACurrentSlab) {
  const Objects now = allocate(a_, 64, 10);
  Span* current = span(now[0]);
  ASSERT_EQ(current->state(), SpanState::kCurrent);
  const std::uint32_t before = live(current);
  free(b_, {now[0], now[1]});
  heap_->deallocate(a_, now[2]);
  slabs_.flush(b_);
  slabs_.collect(a_);
  EXPECT_EQ(live(current), before - 3);
  expect_sound();
}

TEST_F(SlabThreadsTest, ReturnedObjectsServeARefill) {
  const std::size_t pages = a_.owned_pages;
  free(b_, objects_);
  slabs_.flush(b_);
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    EXPECT_EQ(span(allocate(a_, 64)), slab_);
  }
  EXPECT_EQ(a_.owned_pages, pages);
  expect_sound();
}

TEST_F(SlabThreadsTest, OneRingServesMoreSlabsThanItHasSlots) {
  std::vector<Objects> slabs;
  for (unsigned i = 0; i < 2 * ThreadHeap::kRingSlots + 3; ++i) {
    slabs.push_back(fill_slab(a_, 64));
  }
  for (std::size_t i = 0; i < 60; ++i) {
    for (const Objects& slab : slabs) heap_->deallocate(b_, slab[i]);
  }
  slabs_.flush(b_);
  slabs_.collect(a_);
  for (const Objects& slab : slabs) EXPECT_EQ(live(span(slab[61])), slab.size() - 60);
  expect_sound();
}

TEST_F(SlabThreadsTest, RemoteFreesReachFittedObjects) {
  void* p = slabs_.allocate_fit(a_, 200, 0);
  void* q = slabs_.allocate_fit(a_, 5000, 0);
  free(b_, {p, q});
  slabs_.flush(b_);
  slabs_.collect(a_);
  EXPECT_EQ(a_.fit_live[bin_of(208)], 0u);
  EXPECT_EQ(a_.fit_live[bin_of(5008)], 0u);
  expect_sound();
  free(a_, objects_);
  expect_nothing_left();
}

TEST_F(SlabThreadsTest, AdoptsTheOrphanThatWasLeftLast) {
  slabs_.abandon(b_);
  slabs_.abandon(a_);
  EXPECT_TRUE(a_.is_orphan.load());
  EXPECT_EQ(slabs_.adopt(), &a_);
  EXPECT_FALSE(a_.is_orphan.load());
  EXPECT_EQ(slabs_.adopt(), &b_);
  ThreadHeap* fresh = slabs_.adopt();
  EXPECT_NE(fresh, &a_);
  EXPECT_NE(fresh, &c_);
  EXPECT_EQ(slab_->owner.load(), &a_);
}

TEST_F(SlabThreadsTest, AThreadThatEndsLeavesNothingBehindThatIsEmpty) {
  free(a_, objects_);
  void* fitted = slabs_.allocate_fit(a_, 100, 0);
  heap_->deallocate(a_, fitted);
  void* large = heap_->allocate(a_, 100000);
  for (int i = 0; i < 3; ++i) {
    heap_->deallocate(a_, large);
    large = heap_->allocate(a_, 100000);
  }
  heap_->deallocate(a_, large);
  slabs_.abandon(a_);
  EXPECT_EQ(heap_->runs().used_pages(), 0u);
  EXPECT_EQ(a_.owned_pages, 0u);
}

TEST_F(SlabThreadsTest, WhatAThreadFreedLastIsSentWhenItEnds) {
  heap_->deallocate(b_, objects_[0]);
  slabs_.abandon(b_);
  EXPECT_EQ(remote_count(), 1u);
  EXPECT_EQ(a_.pending.load(), slab_);
}

TEST_F(SlabThreadsTest, FreesToAnOrphanAreCollectedByTheirSender) {
  slabs_.abandon(a_);
  EXPECT_EQ(slab_->state(), SpanState::kFull);
  free(b_, {objects_[0], objects_[1]});
  slabs_.flush(b_);
  EXPECT_EQ(slab_->remote.load(), 0u);
  EXPECT_EQ(live(slab_), slab_->capacity - 2u);
  expect_sound();
  free(b_, Objects(objects_.begin() + 2, objects_.end()));
  slabs_.flush(b_);
  EXPECT_TRUE(is_gone(objects_[0]));  // an orphan keeps nothing
  EXPECT_EQ(heap_->runs().used_pages(), 0u);
}

TEST_F(SlabThreadsTest, WhatWasSentBeforeTheEndIsCollectedThen) {
  free(b_, objects_);
  slabs_.flush(b_);
  slabs_.abandon(a_);
  EXPECT_EQ(heap_->runs().used_pages(), 0u);
}

TEST_F(SlabThreadsTest, StealsASlabOfAnOrphan) {
  free(a_, {objects_[3], objects_[4]});
  heap_->deallocate(c_, objects_[5]);  // waits in c's ring
  slabs_.abandon(a_);
  const Objects stolen = allocate(b_, 64, 2);
  EXPECT_EQ(span(stolen[0]), slab_);
  EXPECT_EQ(slab_->owner.load(), &b_);
  EXPECT_EQ(slab_, b_.current[4]);
  EXPECT_EQ(a_.owned_pages, 0u);
  expect_sound();
  slabs_.flush(c_);  // to the new owner
  EXPECT_EQ(b_.pending.load(), slab_);
  EXPECT_EQ(a_.pending.load(), nullptr);
  EXPECT_EQ(allocate(b_, 64), objects_[5]);
  expect_sound();
  free(b_, objects_);
  expect_nothing_left();
}

TEST_F(SlabThreadsTest, StealsOnlyWhatHasFreeObjectsOfThatSize) {
  slabs_.abandon(a_);  // its slab is full
  EXPECT_NE(span(allocate(b_, 64)), slab_);
  ThreadHeap& again = *slabs_.adopt();
  ASSERT_EQ(&again, &a_);
  const unsigned bin = medium_bin(2000);
  slabs_.set_object_bytes(a_, bin, 2000);
  slabs_.set_object_bytes(b_, bin, 2032);
  void* p = allocate(a_, 2000);
  slabs_.abandon(a_);
  ASSERT_EQ(span(p)->state(), SpanState::kSparse);
  EXPECT_NE(span(allocate(b_, 2032)), span(p));
  expect_sound();
}

// A sender asked for the owner, then the slab was stolen, then it was pushed: to the former owner.
TEST_F(SlabThreadsTest, ASlabInTheWrongListIsPassedOn) {
  heap_->deallocate(a_, objects_[0]);
  slabs_.abandon(a_);
  allocate(b_, 64);
  ASSERT_EQ(slab_->owner.load(), &b_);
  slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[1]));
  ASSERT_EQ(b_.pending.exchange(nullptr), slab_);
  slab_->pending = nullptr;
  a_.pending = slab_;
  ASSERT_EQ(slabs_.adopt(), &a_);
  slabs_.collect(a_);
  EXPECT_EQ(a_.pending.load(), nullptr);
  EXPECT_EQ(b_.pending.load(), slab_);
  slabs_.collect(b_);
  EXPECT_EQ(slab_->remote.load(), 0u);
  expect_sound();
}

TEST_F(SlabThreadsTest, ASlabInTheWrongListIsPassedOnToAnOrphan) {
  slabs_.abandon(b_);
  slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[1]));
  ASSERT_EQ(a_.pending.load(), slab_);
  slab_->owner = &b_;  // as if it had been stolen for it
  slabs_.collect(a_);
  EXPECT_EQ(slab_->remote.load(), 0u);
  EXPECT_EQ(b_.pending.load(), nullptr);
}

TEST_F(SlabThreadsTest, AnOrphanPassesASlabOnToAnOrphan) {
  slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[1]));
  ASSERT_EQ(a_.pending.exchange(nullptr), slab_);
  slab_->pending = nullptr;
  slab_->owner = &b_;
  slabs_.abandon(a_);
  slabs_.abandon(b_);
  a_.pending = slab_;
  slabs_.purge_orphans();  // looks at b first
  EXPECT_EQ(slab_->remote.load(), 0u);
  EXPECT_EQ(b_.pending.load(), nullptr);
}

// Frees by others empty an orphan's fit spans; it keeps none, for nobody would give it back.
TEST_F(SlabThreadsTest, AnOrphanKeepsNoEmptyFitSpan) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{2000}}) {
    void* p = allocate(c_, size);
    ASSERT_EQ(span(p)->state(), SpanState::kFit);
    slabs_.abandon(c_);
    slabs_.free_remote_now(span(p), static_cast<FreeObject*>(p));
    EXPECT_TRUE(is_gone(p));
    ASSERT_EQ(slabs_.adopt(), &c_);
  }
}

TEST_F(SlabThreadsTest, WhoPurgesGivesBackTheHolesOfOrphans) {
  const Objects objects = allocate(c_, 20000, 3);
  for (void* p : objects) memset(p, 1, 20000);
  slabs_.abandon(c_);
  slabs_.free_remote_now(span(objects[1]), static_cast<FreeObject*>(objects[1]));
  EXPECT_EQ(span(objects[1])->fit->discarded_pages(), 0u);
  EXPECT_GE(heap_->purge(b_), 3 * kPageBytes);
  EXPECT_NE(span(objects[1])->fit->discarded_pages(), 0u);
}

TEST_F(SlabThreadsTest, WithoutMemoryThereIsNoHeapForAThread) {
  heap_->runs().os().fail_every(PageCall::kMap, 1);
  EXPECT_EQ(slabs_.adopt(), nullptr);
  slabs_.abandon(b_);
  EXPECT_EQ(slabs_.adopt(), &b_);  // which needs none
}

using SlabThreadsDeathTest = SlabThreadsTest;

TEST_F(SlabThreadsDeathTest, ADoubleFreeIsSeenAfterItsBatchWasSent) {
  slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[0]));
  EXPECT_DEATH(slabs_.free_remote_now(slab_, static_cast<FreeObject*>(objects_[0])), "double free");
  free(b_, {objects_[1], objects_[2]});
  slabs_.flush(b_);
  heap_->deallocate(b_, objects_[2]);
  EXPECT_DEATH(slabs_.flush(b_), "double free");
}

// --- check ---------------------------------------------------------------------------------------

TEST_F(SlabThreadsTest, CheckNamesWhatIsBroken) {
  heap_->deallocate(a_, objects_[0]);
  ASSERT_EQ(slabs_.check(a_), 0);
  ++slab_->need;
  EXPECT_EQ(slabs_.check(a_), 121);
  --slab_->need;
  slab_->free->next = static_cast<FreeObject*>(objects_[1]) + 1;
  *reinterpret_cast<void**>(slab_->free->next) = nullptr;
  EXPECT_EQ(slabs_.check(a_), 122);
  slab_->free->next = nullptr;
  slab_->bin = 5;
  EXPECT_EQ(slabs_.check(a_), 123);
  slab_->bin = 4;
  slab_->set_state(SpanState::kSparse);
  EXPECT_NE(slabs_.check(a_), 0);
  slab_->set_state(SpanState::kAvailable);
  slab_->free = nullptr;
  ++slab_->need;
  EXPECT_EQ(slabs_.check(a_), 124);
  --slab_->need;
  slab_->free = static_cast<FreeObject*>(objects_[0]);
  EXPECT_EQ(slabs_.check(a_), 0);
  void* fitted = slabs_.allocate_fit(a_, 100, 0);
  span(fitted)->fit->longest = 1;
  EXPECT_EQ(slabs_.check(a_), 125);
}

}  // namespace
}  // namespace mem
