#include "replay/trace/block_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace replay {
namespace {

const BlockIndex kThree = {{4096, 0, 5}, {5000, 60, 70}, {7000, 120, 90}};

std::optional<BlockIndex> decoded(const BlockIndex& index, std::uint64_t data_end = 8000) {
  const FileLayout layout{.header_size = 4096,
                          .index_offset = data_end,
                          .block_count = static_cast<std::uint32_t>(index.size())};
  return decode_index(encode_index(index), layout, data_end);
}

TEST(BlockIndexTest, RoundTrips) {
  const auto index = decoded(kThree);
  ASSERT_TRUE(index);
  ASSERT_EQ(index->size(), 3U);
  EXPECT_EQ((*index)[1].offset, 5000U);
  EXPECT_EQ((*index)[1].first_event, 60U);
  EXPECT_EQ((*index)[1].first_time, 70U);
  EXPECT_TRUE(decoded({}));  // of a trace without events
}

TEST(BlockIndexTest, WhatCannotBeAnIndexOfTheseBlocksIsNone) {
  EXPECT_FALSE(decoded({{4097, 0, 0}}));                 // blocks begin behind the header
  EXPECT_FALSE(decoded({{4096, 0, 0}, {4143, 60, 0}}));  // within the first one's head
  EXPECT_FALSE(decoded({{4096, 0, 0}, {5000, 0, 0}}));   // a block has events
  EXPECT_FALSE(decoded(kThree, 7000));                   // a block behind the last
  std::vector<unsigned char> bytes = encode_index(kThree);
  const FileLayout layout{.header_size = 4096, .index_offset = 8000, .block_count = 3};
  bytes[bytes.size() - 5] ^= 1;                     // the last block's first time
  EXPECT_FALSE(decode_index(bytes, layout, 8000));  // not what the checksum is of
}

TEST(BlockIndexTest, FindsTheBlockOfAnEvent) {
  EXPECT_EQ(find_block({}, 0), nullptr);
  EXPECT_EQ(find_block(kThree, 0), &kThree[0]);
  EXPECT_EQ(find_block(kThree, 59), &kThree[0]);
  EXPECT_EQ(find_block(kThree, 60), &kThree[1]);
  EXPECT_EQ(find_block(kThree, 1000), &kThree[2]);
}

}  // namespace
}  // namespace replay
