#include "core/mem/free_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace mem {
namespace {

class FreeListTest : public testing::Test {
 protected:
  FreeListTest() {
    for (Block& b : blocks_) b.write_free(sizeof(Block), 0, 0);
  }
  std::vector<const Block*> contents() const {
    std::vector<const Block*> all;
    for (const Block* b = list_.first(); b != nullptr; b = b->next_free()) all.push_back(b);
    return all;
  }
  Block blocks_[3];
  FreeList list_;
};

TEST_F(FreeListTest, IsLastInFirstOut) {
  for (Block& b : blocks_) list_.push(&b);
  EXPECT_EQ(contents(), (std::vector<const Block*>{&blocks_[2], &blocks_[1], &blocks_[0]}));
}

TEST_F(FreeListTest, RemovesFrontMiddleAndBack) {
  for (int victim = 0; victim < 3; ++victim) {
    list_ = FreeList();
    for (Block& b : blocks_) list_.push(&b);
    list_.remove(&blocks_[victim]);
    std::vector<const Block*> expected;
    for (int i = 2; i >= 0; --i) {
      if (i != victim) expected.push_back(&blocks_[i]);
    }
    EXPECT_EQ(contents(), expected);
  }
  list_.remove(const_cast<Block*>(contents()[0]));
  list_.remove(const_cast<Block*>(contents()[0]));
  EXPECT_TRUE(list_.is_empty());
}

TEST_F(FreeListTest, OverwrittenLinksEndTheProcess) {
  for (Block& b : blocks_) list_.push(&b);
  blocks_[1].set_prev_free(&blocks_[0]);
  EXPECT_DEATH(list_.remove(&blocks_[1]), "corrupted free list");
  blocks_[1].set_next_free(Block::at(0x41));
  EXPECT_DEATH(FreeList::next(&blocks_[1]), "corrupted free list");
  blocks_[1].set_next_free(&blocks_[0]);
  blocks_[1].set_prev_free(nullptr);
  EXPECT_DEATH(list_.remove(&blocks_[1]), "corrupted free list");
}

}  // namespace
}  // namespace mem
