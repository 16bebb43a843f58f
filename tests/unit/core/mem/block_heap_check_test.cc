// check() must tell each kind of damage by its number, without being led astray by it.
#include "core/mem/block_heap_check.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/mem/block_heap_impl.h"
#include "core/os/simulated_pages.h"

namespace mem {
namespace {

template <class Config>
class BlockHeapCheckTest : public testing::Test {
 protected:
  // used a | free b | used c | free rest
  BlockHeapCheckTest() {
    void* a = heap_->allocate(64, 0);
    void* b = heap_->allocate(64, 0);
    void* c = heap_->allocate(64, 0);
    heap_->deallocate(b);
    a_ = Block::of_payload(a);
    b_ = Block::of_payload(b);
    c_ = Block::of_payload(c);
    region_ = reinterpret_cast<Region*>(a_->address() - Region::kHeaderBytes);
    EXPECT_EQ(heap_->check(), 0);
  }
  std::uint64_t& word(void* p, int index) { return static_cast<std::uint64_t*>(p)[index]; }

  std::unique_ptr<BlockHeap<Config, SimulatedPages>> heap_ =
      std::make_unique<BlockHeap<Config, SimulatedPages>>();
  Block* a_;
  Block* b_;
  Block* c_;
  Region* region_;
};

using Configs = testing::Types<ClassicConfig, SegregatedConfig>;
TYPED_TEST_SUITE(BlockHeapCheckTest, Configs);

TYPED_TEST(BlockHeapCheckTest, RegionHeader) {
  this->word(this->region_, 0) ^= 1;
  EXPECT_EQ(this->heap_->check(), 1);
}
TYPED_TEST(BlockHeapCheckTest, Magic) {
  this->word(this->c_, 1) ^= std::uint64_t{1} << 50;
  EXPECT_EQ(this->heap_->check(), 2);
}
TYPED_TEST(BlockHeapCheckTest, SentinelMagic) {
  this->word(this->region_->sentinel(), 1) ^= std::uint64_t{1} << 50;
  EXPECT_EQ(this->heap_->check(), 2);
}
TYPED_TEST(BlockHeapCheckTest, SizeBeyondTheRegion) {
  this->c_->write_used(std::size_t{1} << 40, 80, 0, 0);
  EXPECT_EQ(this->heap_->check(), 3);
}
TYPED_TEST(BlockHeapCheckTest, SizeBelowTheMinimum) {
  this->c_->write_used(16, 80, 0, 0);
  EXPECT_EQ(this->heap_->check(), 3);
}
TYPED_TEST(BlockHeapCheckTest, PrevSize) {
  this->c_->set_prev_size(64);
  EXPECT_EQ(this->heap_->check(), 4);
}
TYPED_TEST(BlockHeapCheckTest, PrevSizeOfTheSentinel) {
  this->region_->sentinel()->set_prev_size(64);
  EXPECT_EQ(this->heap_->check(), 4);
}
TYPED_TEST(BlockHeapCheckTest, FreeNeighbours) {
  this->c_->write_free(80, 80, 0);
  EXPECT_EQ(this->heap_->check(), 5);
}
TYPED_TEST(BlockHeapCheckTest, WildLink) {
  this->b_->set_next_free(Block::at(0x10));
  EXPECT_EQ(this->heap_->check(), 6);
}
TYPED_TEST(BlockHeapCheckTest, UsedBlockInTheList) {
  this->b_->write_used(80, 80, 0, 0);
  EXPECT_EQ(this->heap_->check(), 6);
}
TYPED_TEST(BlockHeapCheckTest, FreeBlockInNoList) {
  this->a_->write_free(80, 0, 0);
  this->b_->write_used(80, 80, 0, 0);
  this->c_->write_used(80, 80, 0, 0);
  EXPECT_NE(this->heap_->check(), 0);  // b is listed though used, and a is not listed
}
TYPED_TEST(BlockHeapCheckTest, RequestedBytes) {
  this->c_->set_requested(63);
  EXPECT_EQ(this->heap_->check(), 9);
}
TYPED_TEST(BlockHeapCheckTest, LastFlag) {
  this->c_->write_used(80, 80, Block::kLast, 0);
  EXPECT_EQ(this->heap_->check(), 11);
}
TYPED_TEST(BlockHeapCheckTest, PurgedThoughUsed) {
  this->c_->write_used(80, 80, Block::kPurged, 0);
  EXPECT_EQ(this->heap_->check(), 11);
}
TYPED_TEST(BlockHeapCheckTest, TouchedEnd) {
  this->region_->untouch_from(this->c_->address());
  EXPECT_EQ(this->heap_->check(), 12);
  this->region_->untouch_from(this->region_->sentinel()->address() + 8);
  EXPECT_EQ(this->heap_->check(), 12);
}

TEST(SegregatedHeapCheckTest, BlockInTheWrongList) {
  auto heap = std::make_unique<BlockHeap<SegregatedConfig, SimulatedPages>>();
  Block* b = Block::of_payload(heap->allocate(64, 0));
  Block* c = Block::of_payload(heap->allocate(64, 0));
  heap->allocate(64, 0);
  heap->deallocate(b->payload());
  b->write_free(48, 0, 0);  // grows smaller in place, with a used block in the gap
  Block* gap = Block::at(b->address() + 48);
  gap->write_used(32, 48, 0, 0);
  c->set_prev_size(32);
  EXPECT_EQ(heap->check(), 8);
}

}  // namespace
}  // namespace mem
