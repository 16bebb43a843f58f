#include "replay/trace/block_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <functional>
#include <vector>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"

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

TEST(BlockDecoderTest, DecodesWhatTheSpecificationSays) {
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

TEST(BlockDecoderTest, DecodesTheThreadsAlone) {
  Payload payload;
  payload.columns[Column::kSizes] = {};  // not looked at
  const auto runs_of = [&](const Bytes& threads) {
    payload.columns[Column::kThreads] = threads;
    const Bytes raw = payload.raw();
    const Bytes frame = compressed(raw);
    BlockDecoder decoder(10);
    const std::string problem = decoder.decode_threads(head_for(raw, frame), frame);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
    if (!problem.empty()) return std::pair(problem, runs);
    for (const ThreadRun& run : decoder.thread_runs()) runs.emplace_back(run.thread, run.events);
    EXPECT_EQ(decoder.threads(), 4U);
    return std::pair(problem, runs);
  };
  using Run = std::pair<std::uint32_t, std::uint32_t>;
  EXPECT_THAT(runs_of({0, 2, 3, 3}).second, testing::ElementsAre(Run{0, 2}, Run{3, 3}));
  EXPECT_THAT(runs_of({3, 1, 0, 4}).second, testing::ElementsAre(Run{3, 1}, Run{0, 4}));
  for (const Bytes& bytes : {Bytes{0, 2, 1, 2}, Bytes{0, 2, 1, 4}, Bytes{0, 2, 1, 3, 0}, Bytes{}}) {
    EXPECT_EQ(runs_of(bytes).first, "the threads do not add up");
  }
  const Bytes raw = payload.raw();
  Bytes frame = compressed(raw);
  frame.back() ^= 1;
  EXPECT_THAT(BlockDecoder(10).decode_threads(head_for(raw, frame), frame),
              HasSubstr("checksum does not match"));
}

TEST(BlockDecoderTest, EachColumnIsChecked) {
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

TEST(BlockDecoderTest, TimesThatOverflowAreRefused) {
  const Bytes raw = Payload().raw();
  const auto at_time = [&](std::uint64_t time) {
    return problem_of(raw, [time](BlockHead* head) { head->first_time = time; });
  };
  EXPECT_EQ(at_time(UINT64_MAX / 10 - 11), "");
  EXPECT_THAT(at_time(UINT64_MAX / 10 - 10), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(at_time(UINT64_MAX - 5), HasSubstr("does not fit 64 bits"));
}

TEST(BlockDecoderTest, ColumnSizesAreChecked) {
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

TEST(BlockDecoderTest, TheFrameMustBeOneWithAChecksumAndOfTheRightSize) {
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

}  // namespace
}  // namespace replay
