#include "core/mem/slab_heap.h"

#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <set>
#include <vector>

#include "core/os/simulated_pages.h"
#include "tests/support/mem_heap_audit.h"

namespace mem {
namespace {

class SlabHeapTest : public testing::Test {
 protected:
  using Objects = std::vector<void*>;

  ~SlabHeapTest() override {
    EXPECT_EQ(no_slab.need, 0u);  // nobody wrote to it
    EXPECT_EQ(no_slab.free, nullptr);
    EXPECT_EQ(no_slab.remote.load(), 0u);
  }

  // The bin of `size` has slabs from now on.
  void make_hot(ThreadHeap& heap, std::size_t size) {
    const unsigned bin = bin_of(size);
    slabs_.set_object_bytes(heap, bin, align_up(size, 16));
  }
  static unsigned bin_of(std::size_t size) {
    return size <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(size)) : medium_bin(size);
  }
  void* allocate(ThreadHeap& heap, std::size_t size) {
    void* p = heap_->allocate(heap, size);
    EXPECT_NE(p, nullptr);
    return p;
  }
  Objects allocate(ThreadHeap& heap, std::size_t size, std::size_t count) {
    Objects objects;
    for (std::size_t i = 0; i < count; ++i) objects.push_back(allocate(heap, size));
    return objects;
  }
  // As many as a new slab holds, and it is current no more. Signed with their own address.
  Objects fill_slab(ThreadHeap& heap, std::size_t size) {
    Objects objects = allocate(heap, size, 1);
    const std::size_t capacity = span(objects[0])->capacity;
    while (objects.size() < capacity) objects.push_back(allocate(heap, size));
    slabs_.set_object_bytes(heap, bin_of(size), align_up(size, 16));
    for (void* p : objects) {
      EXPECT_EQ(span(p), span(objects[0]));
      *static_cast<void**>(p) = p;
    }
    EXPECT_EQ(span(objects[0])->state(), SpanState::kFull);
    return objects;
  }
  void free(ThreadHeap& heap, const Objects& objects) {
    for (void* p : objects) heap_->deallocate(heap, p);
  }
  Span* span(const void* p) { return heap_->map().find(p); }
  std::uint32_t live(const Span* span) { return SlabHeap<SimulatedPages>::live_objects(*span); }
  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
  void expect_sound() {
    for (ThreadHeap* heap : {&a_, &b_, &c_}) ASSERT_EQ(audit(*heap_, *heap), "");
  }
  // All is freed: nothing is left, once each heap has sent and taken back what it can.
  void expect_nothing_left() {
    for (int round = 0; round < 2; ++round) {
      for (ThreadHeap* heap : {&a_, &b_, &c_}) heap_->purge(*heap);
    }
    expect_sound();
    EXPECT_EQ(heap_->stats(a_).live_blocks, 0u);
    EXPECT_EQ(heap_->runs().used_pages(), 0u);
  }

  std::unique_ptr<MemHeap<SimulatedPages>> heap_ = std::make_unique<MemHeap<SimulatedPages>>();
  SlabHeap<SimulatedPages>& slabs_ = heap_->slabs();
  ThreadHeap& a_ = *slabs_.adopt();
  ThreadHeap& b_ = *slabs_.adopt();
  ThreadHeap& c_ = *slabs_.adopt();
};

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
  ASSERT_EQ(span(p), nullptr);
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
  EXPECT_EQ(span(second[0]), nullptr);
  EXPECT_EQ(a_.kept[8], span(first[0]));
  EXPECT_EQ(span(allocate(a_, 128)), span(first[0]));  // the next need
  EXPECT_EQ(a_.kept[8], nullptr);
  expect_sound();
}

TEST_F(SlabHeapTest, MediumBinsKeepEmptySlabsOfAFewPagesTogether) {
  const auto empty_one = [&](std::size_t size) {
    make_hot(a_, size);
    const Objects objects = fill_slab(a_, size);
    free(a_, objects);
    return a_.kept[bin_of(size)];
  };
  const Span* first = empty_one(4096);
  ASSERT_NE(first, nullptr);
  const std::size_t pages = a_.kept_pages;
  EXPECT_GE(pages, 1u);
  for (std::size_t size = 5120; size <= 16384; size += 1024) empty_one(size);
  EXPECT_GT(a_.kept_pages, pages);
  EXPECT_LE(a_.kept_pages, tuning::kept_pages(a_.owned_pages));
  const std::size_t kept = a_.kept_pages;
  EXPECT_EQ(span(allocate(a_, 4096)), first);
  EXPECT_EQ(a_.kept_pages, kept - pages);
  // A bin whose size changes has no use for the one it kept.
  make_hot(a_, 5000);
  EXPECT_EQ(a_.kept[bin_of(5000)], nullptr);
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

TEST_F(SlabHeapTest, ALargerSizeOfTheBinOutdatesItsSlabs) {
  const unsigned bin = medium_bin(1088);
  slabs_.set_object_bytes(a_, bin, 1088);
  const Objects full = fill_slab(a_, 1088);
  const Objects sparse = fill_slab(a_, 1088);
  free(a_, Objects(sparse.begin() + 1, sparse.end()));
  const Objects current = allocate(a_, 1088, 2);
  heap_->deallocate(a_, current[0]);
  ASSERT_EQ(span(current[0])->state(), SpanState::kCurrent);
  ASSERT_EQ(span(current[0]), span(sparse[0]));  // it was taken up again
  slabs_.set_object_bytes(a_, bin, 1152);
  EXPECT_EQ(span(current[0])->state(), SpanState::kOutdated);
  EXPECT_EQ(live(span(current[0])), 2u);
  EXPECT_EQ(span(full[0])->state(), SpanState::kFull);  // outdated at its first free
  EXPECT_EQ(a_.bins[bin], &no_slab);
  EXPECT_EQ(a_.current[bin], &no_slab);
  EXPECT_EQ(a_.available[bin].first(), nullptr);
  EXPECT_EQ(a_.sparse[bin].first(), nullptr);
  expect_sound();
  EXPECT_EQ(heap_->usable_size(full[0]), 1088u);
  const void* larger = allocate(a_, 1152);
  EXPECT_EQ(heap_->usable_size(larger), 1152u);
  heap_->deallocate(a_, full[0]);
  EXPECT_EQ(span(full[0])->state(), SpanState::kOutdated);
  EXPECT_EQ(heap_->usable_size(allocate(a_, 1152)), 1152u);
  const Span* old = span(full[1]);
  EXPECT_NE(old, nullptr);
  free(a_, Objects(full.begin() + 1, full.end()));
  EXPECT_EQ(span(full[1]), nullptr);  // the last free gave it back
  free(a_, {sparse[0], current[1]});
  EXPECT_EQ(span(sparse[0]), nullptr);
  expect_sound();
}

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
  std::size_t waiting = 0;
  for (FreeObject* object = a_.loose[3].free; object != nullptr; object = object->next) ++waiting;
  EXPECT_EQ(waiting, tuning::kCacheObjects);
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
  give_a_run_back();
  free(a_, pieces_);
  EXPECT_EQ(discards(), 0u);
  EXPECT_NE(a_.kept[3], nullptr);
  const std::uint64_t held = heap_->stats(a_).total_pages;
  give_a_run_back();
  const std::uint64_t given = discarded_pages();
  EXPECT_GE(given, (kPieces - 2) * kPiecePages);  // but for the few that wait in their bin
  EXPECT_LE(heap_->stats(a_).total_pages, held - given);
  EXPECT_EQ(a_.kept[3], nullptr);
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
  const Objects again = {slabs_.allocate_fit(a_, kPiecePages * kPageBytes, 0),
                         slabs_.allocate_fit(a_, kPiecePages * kPageBytes, 0)};
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
  EXPECT_FALSE(slabs_.resize_fit(a_, of, p, 113));
  EXPECT_EQ(heap_->usable_size(p), 112u);
  EXPECT_TRUE(slabs_.resize_fit(a_, of, q, 1000));
  EXPECT_EQ(heap_->usable_size(q), 1008u);
  EXPECT_FALSE(slabs_.resize_fit(a_, of, q, 1025));  // of the other area
  EXPECT_TRUE(slabs_.resize_fit(a_, of, p, 10));
  EXPECT_EQ(heap_->usable_size(p), 16u);
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
  EXPECT_EQ(span(objects_[0]), nullptr);  // an orphan keeps nothing
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

TEST_F(SlabThreadsTest, WithoutMemoryThereIsNoHeapForAThread) {
  heap_->runs().os().fail_every(PageCall::kMap, 1);
  EXPECT_EQ(slabs_.adopt(), nullptr);
  slabs_.abandon(b_);
  EXPECT_EQ(slabs_.adopt(), &b_);  // which needs none
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
