#include "core/mem/policy/segregated_lists.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace mem {
namespace {

class SegregatedListsTest : public testing::Test {
 protected:
  // Only headers and links are written, so that a small room stands for a block of any size.
  Block* add(std::size_t size) {
    rooms_.push_back(std::make_unique<Room>());
    Block* b = Block::at(reinterpret_cast<std::uintptr_t>(rooms_.back()->bytes));
    b->write_free(size, 0, 0);
    lists_.insert(b);
    return b;
  }
  Block* find(std::size_t need) {
    return lists_.find(need, [need](const Block* b) { return b->size() >= need; });
  }
  struct Room {
    alignas(16) unsigned char bytes[sizeof(Block)];
  };
  std::vector<std::unique_ptr<Room>> rooms_;
  SegregatedLists lists_;
};

TEST_F(SegregatedListsTest, BinsAreMonotonicAndBounded) {
  unsigned last = 0;
  for (std::size_t size = 32; size < (std::size_t{1} << 20); size += 16) {
    const unsigned bin = SegregatedLists::bin_of(size);
    ASSERT_GE(bin, last);
    ASSERT_LE(bin, last + 2);
    last = bin;
  }
  EXPECT_EQ(SegregatedLists::bin_of(32), 2u);
  EXPECT_EQ(SegregatedLists::bin_of(1008), 63u);
  EXPECT_EQ(SegregatedLists::bin_of(1024), 64u);
  EXPECT_EQ(SegregatedLists::bin_of(1024 + 128), 65u);
  EXPECT_EQ(SegregatedLists::bin_of(std::size_t{1} << 46), 191u);
}

TEST_F(SegregatedListsTest, SkipsListsThatAreTooSmall) {
  add(32);
  Block* large = add(4096);
  Block* mid = add(512);
  EXPECT_EQ(find(48), mid);
  EXPECT_EQ(find(513 + 15), large);
  EXPECT_EQ(find(5000), nullptr);
  lists_.remove(mid);
  EXPECT_EQ(find(48), large);
  EXPECT_TRUE(lists_.is_consistent());
}

TEST_F(SegregatedListsTest, IsLifoWithinABin) {
  Block* older = add(160);
  Block* newer = add(160);
  EXPECT_EQ(find(160), newer);
  lists_.remove(newer);
  EXPECT_EQ(find(160), older);
}

TEST_F(SegregatedListsTest, FindsTheFitBehindManyThatAreTooSmall) {
  Block* fit = add(1136);
  for (int i = 0; i < 1000; ++i) add(1040);
  EXPECT_EQ(find(1136), fit);  // own bin only, beyond the probes
  Block* next = add(2048);
  EXPECT_EQ(find(1136), next);  // a larger bin goes before the rest of the own one
}

TEST_F(SegregatedListsTest, TellsABlockOutOfPlace) {
  Block* b = add(160);
  EXPECT_TRUE(lists_.is_in_place(b));
  b->write_free(320, 0, 0);
  EXPECT_FALSE(lists_.is_in_place(b));
}

}  // namespace
}  // namespace mem
