#include "replay/trace/block_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "replay/trace/block_decoder.h"
#include "replay/trace/format.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

TEST(BlockEncoderTest, TheGreatestBlockFitsItsLimits) {
  std::vector<Event> events(format::block::kMaxEvents);
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i] = {.time_ns = i << 47,
                 .object = 0,
                 .size = random() | (1ULL << 63),
                 .thread = 0x10000000 + static_cast<std::uint32_t>(random() % 0xe0000000),
                 .op = i == 0 ? Op::kMalloc : Op::kRealloc};
  }
  BlockEncoder encoder(1);
  const auto bytes = encoder.encode(events, 0, 0);
  BlockHead head;
  ASSERT_EQ(decode_head(bytes.data(), &head), "");
  BlockDecoder decoder(1);
  ASSERT_EQ(decoder.decode(head, bytes.subspan(format::block::kHeadSize)), "");
  EXPECT_TRUE(std::equal(events.begin(), events.end(), decoder.events().begin()));
}

TEST(BlockEncoderTest, FurtherColumnsRoundTripAndTellWhatIsWrong) {
  auto events = test::random_events(5, 3000);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto n = static_cast<std::uint32_t>(i);
    if (events[i].op != Op::kFree) events[i].site = i % 3 == 0 ? 0 : n * 1'000'003;
    if (!is_birth(events[i].op)) events[i].touched = n % 5 == 0 ? UINT32_MAX : n % 7;
  }
  for (const std::uint32_t features : {0u, 2u, 4u, 6u}) {
    auto expected = events;
    for (Event& event : expected) {
      if ((features & format::kFeatureSites) == 0) event.site = 0;
      if ((features & format::kFeatureTouched) == 0) event.touched = 0;
    }
    BlockEncoder encoder(1, features);
    BlockDecoder decoder(1, features);
    BlockHead head;
    // Twice, the second time without: nothing of a block may be left in the next one.
    for (const bool with : {true, false}) {
      if (!with) {
        for (Event& event : expected) event.site = event.touched = 0;
      }
      const auto block = encoder.encode(expected, 0, 0);
      ASSERT_EQ(decode_head(block.data(), &head, features), "");
      ASSERT_EQ(decoder.decode(head, block.subspan(format::block::kHeadSize)), "");
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), decoder.events().begin()));
    }
    // Read as a trace of other columns, it is refused.
    EXPECT_NE(BlockDecoder(1, features == 0 ? 6 : 0)
                  .decode(head, encoder.encode(expected, 0, 0).subspan(format::block::kHeadSize)),
              "");
  }
}

}  // namespace
}  // namespace replay
