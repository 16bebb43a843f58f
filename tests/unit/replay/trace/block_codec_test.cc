#include "replay/trace/block_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <functional>

#include "replay/trace/format.h"
#include "replay/trace/varint.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using format::payload::Column;
using testing::HasSubstr;

using Bytes = std::vector<unsigned char>;

// A payload as its columns, to be broken one by one: malloc 5, malloc 6, aligned 7, realloc, free.
struct Payload {
  Bytes columns[format::payload::kPlainColumns] = {{0, 0, 2, 3, 4}, {0, 2, 1, 3}, {5, 6, 7, 8},
                                                   {1, 3},          {4},          {0, 1, 0, 9, 1}};

  Bytes raw() const {
    Bytes bytes(format::payload::columns_at(0));
    for (std::size_t i = 0; i < format::payload::kPlainColumns; ++i) {
      store_le<std::uint32_t>(&bytes[4 * i], static_cast<std::uint32_t>(columns[i].size()));
      bytes.insert(bytes.end(), columns[i].begin(), columns[i].end());
    }
    return bytes;
  }
};

Bytes compressed(const Bytes& raw, bool checksum = true) {
  Bytes frame(ZSTD_compressBound(raw.size()));
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  frame.resize(ZSTD_compress2(zstd, frame.data(), frame.size(), raw.data(), raw.size()));
  ZSTD_freeCCtx(zstd);
  return frame;
}

BlockHead head_for(const Bytes& raw, const Bytes& frame) {
  return {.event_count = 5,
          .first_time = 100,
          .compressed_size = static_cast<std::uint32_t>(frame.size()),
          .raw_size = static_cast<std::uint32_t>(raw.size())};
}

std::string problem_of(const Bytes& raw, const std::function<void(BlockHead*)>& change = {}) {
  const Bytes frame = compressed(raw);
  BlockHead head = head_for(raw, frame);
  if (change) change(&head);
  return BlockDecoder(10).decode(head, frame);
}

std::string problem_with(Column column, const Bytes& bytes) {
  Payload payload;
  payload.columns[column] = bytes;
  return problem_of(payload.raw());
}

TEST(BlockCodecTest, DecodesWhatTheSpecificationSays) {
  const Bytes raw = Payload().raw();
  const Bytes frame = compressed(raw);
  BlockDecoder decoder(10);
  ASSERT_EQ(decoder.decode(head_for(raw, frame), frame), "");
  const std::vector<Event> expected = {
      {.time_ns = 1000, .object = 0, .size = 5, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 1010, .object = 1, .size = 6, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 1010, .object = 2, .size = 7, .thread = 1, .op = Op::kAligned, .align_log2 = 4},
      {.time_ns = 1100, .object = 2, .size = 8, .thread = 1, .op = Op::kRealloc},
      {.time_ns = 1110, .object = 0, .size = 0, .thread = 1, .op = Op::kFree}};
  EXPECT_THAT(decoder.events(), testing::ElementsAreArray(expected));
  EXPECT_EQ(decoder.births(), 3U);
  EXPECT_EQ(decoder.threads(), 2U);
}

TEST(BlockCodecTest, EachColumnIsChecked) {
  EXPECT_EQ(problem_of(Payload().raw()), "");
  EXPECT_THAT(problem_with(Column::kOps, {0, 0, 2, 5, 4}), HasSubstr("an op above 4"));
  EXPECT_THAT(problem_with(Column::kOps, {0, 0, 2, 3}), HasSubstr("4 ops for 5 events"));
  for (const Bytes& bytes :
       {Bytes{0, 2, 1, 2}, Bytes{0, 2, 1, 4}, Bytes{0, 2, 1, 3, 0}, Bytes{0, 0, 0, 2, 1, 3},
        Bytes{0, 2, 1}, Bytes{0, 5, 0, 0}, Bytes{}, Bytes{0xff, 0xff, 0xff, 0xff, 0x0f, 5}}) {
    EXPECT_EQ(problem_with(Column::kThreads, bytes), "the threads do not add up");
  }
  const Bytes long_value{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 2, 3};
  const Bytes big_value{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1, 2, 3};
  for (const Bytes& bytes : {Bytes{5, 6, 7}, Bytes{5, 6, 7, 8, 9}, Bytes{5, 6, 7, 0x88},
                             Bytes{0x85, 0x86, 0x87, 0x88}, Bytes{}, long_value, big_value}) {
    EXPECT_EQ(problem_with(Column::kSizes, bytes), "the sizes do not add up");
  }
  EXPECT_EQ(problem_with(Column::kDistances, {1}), "the distances do not add up");
  EXPECT_THAT(problem_with(Column::kDistances, {0, 1}), HasSubstr("not born yet"));
  EXPECT_THAT(problem_with(Column::kDistances, {1, 4}), HasSubstr("not born yet"));
  EXPECT_EQ(problem_with(Column::kAligns, {}), "the aligns do not add up");
  EXPECT_EQ(problem_with(Column::kAligns, {4, 4}), "the aligns do not add up");
  EXPECT_THAT(problem_with(Column::kAligns, {64}), HasSubstr("log2 of an alignment is 64"));
  EXPECT_EQ(problem_with(Column::kTimes, {0, 1, 0, 9}), "the times do not add up");
  EXPECT_THAT(problem_with(Column::kTimes, {1, 1, 0, 9, 1}), HasSubstr("first time delta"));
}

TEST(BlockCodecTest, TimesThatOverflowAreRefused) {
  const Bytes raw = Payload().raw();
  const auto at_time = [&](std::uint64_t time) {
    return problem_of(raw, [time](BlockHead* head) { head->first_time = time; });
  };
  EXPECT_EQ(at_time(UINT64_MAX / 10 - 11), "");
  EXPECT_THAT(at_time(UINT64_MAX / 10 - 10), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(at_time(UINT64_MAX - 5), HasSubstr("does not fit 64 bits"));
}

TEST(BlockCodecTest, ColumnSizesAreChecked) {
  const auto with_size = [](std::size_t column, std::uint32_t size) {
    Bytes raw = Payload().raw();
    store_le<std::uint32_t>(&raw[4 * column], size);
    return problem_of(raw);
  };
  for (std::size_t i = 0; i < format::payload::kPlainColumns; ++i) {
    EXPECT_THAT(with_size(i, 0xffffffff), HasSubstr("goes beyond the payload"));
  }
  EXPECT_THAT(with_size(Column::kTimes, 4), HasSubstr("1 bytes after the last column"));
}

TEST(BlockCodecTest, TheFrameMustBeOneWithAChecksumAndOfTheRightSize) {
  const Bytes raw = Payload().raw();
  BlockDecoder decoder(1);
  Bytes frame = compressed(raw, false);
  EXPECT_THAT(decoder.decode(head_for(raw, frame), frame),
              HasSubstr("one zstd frame with a check"));
  frame = compressed(raw);
  const Bytes empty = compressed({});
  frame.insert(frame.end(), empty.begin(), empty.end());
  EXPECT_THAT(decoder.decode(head_for(raw, frame), frame), HasSubstr("one zstd frame"));
  EXPECT_THAT(problem_of(raw, [](BlockHead* head) { ++head->raw_size; }),
              HasSubstr("decompresses"));
  EXPECT_THAT(problem_of(raw, [](BlockHead* head) { --head->raw_size; }), HasSubstr("zstd"));
}

TEST(BlockCodecTest, HeadLimitsKeepMemoryBounded) {
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

TEST(BlockCodecTest, TheGreatestBlockFitsItsLimits) {
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

TEST(VarintTest, ColumnsOfAllLengthsRoundTrip) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint64_t> values(random() % 40);
    for (auto& value : values) value = random() >> (round % 3 == 0 ? 57 : random() % 64);
    Bytes bytes(values.size() * kMaxVarintBytes + 1);
    unsigned char* end = bytes.data();
    for (const std::uint64_t value : values) end = put_varint(end, value);
    bytes.resize(static_cast<std::size_t>(end - bytes.data()));
    bytes.shrink_to_fit();  // so that a read past the end is seen by a sanitizer
    std::vector<std::uint64_t> read(values.size());
    const unsigned char* const bytes_end = bytes.data() + bytes.size();
    ASSERT_EQ(get_varints(bytes.data(), bytes_end, read.size(), read.data()), bytes_end);
    ASSERT_EQ(read, values);
  }
}

TEST(BlockCodecTest, FurtherColumnsRoundTripAndTellWhatIsWrong) {
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
