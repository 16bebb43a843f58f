#include "core/mem/block.h"

#include <gtest/gtest.h>
#include <string.h>

namespace mem {
namespace {

class BlockTest : public testing::Test {
 protected:
  Block* at(std::size_t offset) {
    return Block::at(reinterpret_cast<std::uintptr_t>(bytes_) + offset);
  }
  alignas(16) unsigned char bytes_[256] = {};
};

TEST_F(BlockTest, UsedKeepsAllFieldsApart) {
  Block* b = at(32);
  b->write_used(64, 32, Block::kLast, 9);
  EXPECT_EQ(b->size(), 64u);
  EXPECT_EQ(b->prev_size(), 32u);
  EXPECT_EQ(b->usable(), 48u);
  EXPECT_EQ(b->requested(), 39u);
  EXPECT_TRUE(b->is_used());
  EXPECT_TRUE(b->is_last());
  EXPECT_FALSE(b->is_purged());
  EXPECT_TRUE(b->is_intact());
  EXPECT_EQ(b->next(), at(96));
  EXPECT_EQ(b->prev(), at(0));
  EXPECT_EQ(b->end(), at(96)->address());
  EXPECT_EQ(Block::of_payload(b->payload()), b);
  b->set_requested(48);
  EXPECT_EQ(b->requested(), 48u);
  b->set_prev_size(48);
  EXPECT_EQ(b->prev_size(), 48u);
  EXPECT_TRUE(b->is_intact());
}

TEST_F(BlockTest, HoldsTheLargestSizes) {
  Block* b = at(0);
  const std::size_t huge = (std::size_t{1} << 47) - 16;
  b->write_used(huge, huge, 0, Block::kMaxSlackBytes);
  EXPECT_EQ(b->size(), huge);
  EXPECT_EQ(b->prev_size(), huge);
  EXPECT_EQ(b->requested(), huge - Block::kHeaderBytes - Block::kMaxSlackBytes);
  EXPECT_TRUE(b->is_intact());
}

TEST_F(BlockTest, FreeCanBePurged) {
  Block* b = at(0);
  b->write_free(64, 0, 0);
  EXPECT_FALSE(b->is_used());
  EXPECT_TRUE(b->is_intact());
  b->set_purged();
  EXPECT_TRUE(b->is_purged());
  EXPECT_EQ(b->size(), 64u);
}

TEST_F(BlockTest, LinksTellBytesWrittenOverThem) {
  Block* b = at(64);
  b->write_free(64, 0, 0);
  b->set_next_free(at(128));
  b->set_prev_free(nullptr);
  EXPECT_EQ(b->next_free(), at(128));
  EXPECT_EQ(b->prev_free(), nullptr);
  EXPECT_TRUE(Block::is_plausible(b->next_free()));
  EXPECT_TRUE(Block::is_plausible(b->prev_free()));
  memset(bytes_ + 80, 0x41, 16);
  EXPECT_FALSE(Block::is_plausible(b->next_free()));
  EXPECT_FALSE(Block::is_plausible(b->prev_free()));
  EXPECT_FALSE(Block::is_plausible(at(4)));
}

TEST_F(BlockTest, ForeignBytesAreNotIntact) {
  EXPECT_FALSE(at(0)->is_intact());  // zeroes
  memset(bytes_, 0x41, sizeof(bytes_));
  EXPECT_FALSE(at(0)->is_intact());
  at(0)->write_used(64, 0, 0, 0);
  memcpy(bytes_ + 64, bytes_, 16);  // a copied header
  EXPECT_TRUE(at(0)->is_intact());
  EXPECT_FALSE(at(64)->is_intact());
}

TEST_F(BlockTest, FlippedStateIsNotIntact) {
  at(0)->write_used(64, 0, 0, 0);
  bytes_[0] ^= Block::kUsed;
  EXPECT_FALSE(at(0)->is_intact());
}

}  // namespace
}  // namespace mem
