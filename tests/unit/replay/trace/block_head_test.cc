#include "replay/trace/block_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/trace/format.h"

namespace replay {
namespace {

using testing::HasSubstr;

TEST(BlockHeadTest, LimitsKeepMemoryBounded) {
  const auto problem = [](const BlockHead& head) {
    unsigned char bytes[format::block::kHeadSize];
    encode_head(head, bytes);
    BlockHead read;
    return decode_head(bytes, &read);
  };
  const BlockHead good{.event_count = 10, .compressed_size = 1424, .raw_size = 400};
  const auto with = [&](auto BlockHead::*field, auto value) {
    BlockHead head = good;
    head.*field = value;
    return problem(head);
  };
  EXPECT_EQ(problem({.event_count = 10, .compressed_size = 1400, .raw_size = 424}), "");
  EXPECT_THAT(with(&BlockHead::event_count, 0U), HasSubstr("a block of 0 events"));
  EXPECT_THAT(with(&BlockHead::event_count, 65537U), HasSubstr("a block of 65537 events"));
  EXPECT_THAT(with(&BlockHead::raw_size, 425U), HasSubstr("raw size 425"));
  EXPECT_THAT(with(&BlockHead::raw_size, 23U), HasSubstr("raw size 23"));
  EXPECT_THAT(with(&BlockHead::compressed_size, 0xffffffffU), HasSubstr("compressed size"));
  EXPECT_THAT(with(&BlockHead::objects_before, std::uint64_t{1}), HasSubstr("1 objects born"));
  EXPECT_THAT(with(&BlockHead::first_event, UINT64_MAX), HasSubstr("objects born in"));
}

}  // namespace
}  // namespace replay
