#include "replay/trace/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::random_events;
using test::read_file;
using test::TempFolder;
using test::write_file;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  std::vector<Event> events;
  std::string error;       // "" if none
  std::string truncation;  // "" if none
};

Outcome read(const std::string& path, ReadOptions options = {}) {
  Outcome outcome;
  try {
    TraceReader reader(path, options);
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      outcome.events.insert(outcome.events.end(), block.begin(), block.end());
    }
    outcome.truncation = reader.truncation();
  } catch (const Error& error) {
    outcome.error = error.what();
  }
  return outcome;
}

bool begins_with(const std::vector<Event>& all, const std::vector<Event>& part) {
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

void fix_header_crc(std::string* bytes) {
  auto* const data = reinterpret_cast<unsigned char*>(bytes->data());
  store_le<std::uint32_t>(data + format::header::kCrc, 0);
  const auto size = load_le<std::uint32_t>(data + format::header::kHeaderSize);
  store_le<std::uint32_t>(data + format::header::kCrc,
                          static_cast<std::uint32_t>(crc32(0, data, size)));
}

template <typename T>
void set(std::string* bytes, std::size_t at, T value) {
  store_le<T>(bytes->data() + at, value);
}

class TraceReaderTest : public testing::Test {
 protected:
  // Writes a trace of three blocks.
  void write_long() {
    events_ = random_events(5, 2 * kBlockEvents + 100);
    test::write_trace(path_, events_);
    bytes_ = read_file(path_);
  }
  void write_short() {
    events_ = random_events(5, 200);
    test::write_trace(path_, events_, {}, kShortBlock);  // four blocks
    bytes_ = read_file(path_);
  }
  // How many events stand in whole blocks among the first `length` bytes.
  std::size_t whole_events(std::size_t length) const {
    std::size_t events = 0;
    for (std::size_t at = 4096; bytes_.compare(at, 4, format::kBlockMagic) == 0;) {
      const char* const head = bytes_.data() + at;
      at +=
          format::block::kHeadSize + load_le<std::uint32_t>(head + format::block::kCompressedSize);
      if (at > length) break;
      events += load_le<std::uint32_t>(head + format::block::kEventCount);
    }
    return events;
  }
  Outcome read_bytes(const std::string& bytes, ReadOptions options = {}) {
    write_file(path_, bytes);
    return read(path_, options);
  }

  static constexpr std::uint32_t kShortBlock = 60;

  TempFolder folder_;
  std::string path_ = folder_ / "x.trace";
  std::vector<Event> events_;
  std::string bytes_;
};

TEST_F(TraceReaderTest, WhatIsNoTraceIsRefusedClearly) {
  EXPECT_THAT(read(folder_ / "none").error, HasSubstr("none: cannot open: No such file"));
  EXPECT_THAT(read(folder_ / "").error, HasSubstr("is a directory"));
  EXPECT_THAT(read("/dev/null").error, HasSubstr("the file is empty"));
  EXPECT_THAT(read_bytes("").error, HasSubstr("the file is empty"));
  EXPECT_THAT(read_bytes("hello").error, HasSubstr("at byte 0: not a trace file"));
  EXPECT_THAT(read_bytes(std::string(5000, 'x')).error, HasSubstr("at byte 0: not a trace file"));
}

TEST_F(TraceReaderTest, VersionsAndFeatures) {
  write_short();
  std::string bytes = bytes_;
  set<std::uint16_t>(&bytes, format::header::kMinor, 9);
  fix_header_crc(&bytes);
  EXPECT_EQ(read_bytes(bytes).events, events_);

  bytes = bytes_;
  set<std::uint16_t>(&bytes, format::header::kMajor, 2);
  EXPECT_THAT(read_bytes(bytes).error, HasSubstr("at byte 8: trace format version 2, but"));

  bytes = bytes_;
  set<std::uint32_t>(&bytes, format::header::kFeatures, 0x100);
  EXPECT_THAT(read_bytes(bytes).error, HasSubstr("at byte 12: the trace needs features 0x100"));
}

TEST_F(TraceReaderTest, HeaderFieldsAreChecked) {
  write_short();
  const auto error_with = [this](std::size_t at, std::uint32_t value) {
    std::string bytes = bytes_;
    set<std::uint32_t>(&bytes, at, value);
    if (at != format::header::kHeaderSize) fix_header_crc(&bytes);
    return read_bytes(bytes).error;
  };
  EXPECT_THAT(error_with(format::header::kTimeUnitNs, 0), HasSubstr("time unit of 0 ns"));
  EXPECT_THAT(error_with(format::header::kHeaderSize, 95), HasSubstr("header size 95"));
  EXPECT_THAT(error_with(format::header::kHeaderSize, 0xffffffff), HasSubstr("header size"));
  EXPECT_THAT(error_with(format::header::kMetaSize, 0xffffffff), HasSubstr("the provenance"));
  EXPECT_THAT(error_with(format::header::kMetaSize, 1), HasSubstr("the provenance is not JSON"));
  EXPECT_THAT(error_with(format::header::kIndexOffset, 95), HasSubstr("the index cannot be"));
  EXPECT_THAT(error_with(format::header::kBlockCount, 0xffffffff), HasSubstr("it is cut short"));
  EXPECT_THAT(error_with(format::header::kEventCount, 201),
              HasSubstr("hold 200 events, expected 201"));
  EXPECT_THAT(error_with(format::header::kObjectCount, 1), HasSubstr("births, expected 1"));
  EXPECT_THAT(error_with(format::header::kThreadCount, 1), HasSubstr("in a trace of 1 threads"));
  EXPECT_THAT(error_with(format::header::kStatus, 0), HasSubstr("was not finished"));
}

TEST_F(TraceReaderTest, AnUnfinishedTraceIsUsedIfAllowed) {
  write_long();
  std::string bytes = bytes_;
  set<std::uint32_t>(&bytes, format::header::kStatus, 0);
  fix_header_crc(&bytes);
  const Outcome outcome = read_bytes(bytes, {.allow_truncated = true});
  EXPECT_EQ(outcome.events, events_);
  EXPECT_THAT(outcome.truncation, HasSubstr("expected the magic"));  // the index stands there
  bytes.resize(load_le<std::uint64_t>(bytes.data() + format::header::kIndexOffset));
  EXPECT_EQ(read_bytes(bytes, {.allow_truncated = true}).events, events_);
}

TEST_F(TraceReaderTest, BytesAfterTheEndAreAnError) {
  write_short();
  EXPECT_THAT(read_bytes(bytes_ + "zz").error, HasSubstr("2 bytes follow the end"));
  EXPECT_EQ(read_bytes(bytes_ + "zz", {.allow_truncated = true}).events, events_);
}

TEST_F(TraceReaderTest, EveryTruncationIsSaidAndTheRestIsGood) {
  write_short();
  const auto index_at = load_le<std::uint64_t>(bytes_.data() + format::header::kIndexOffset);
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    write_file(path_, bytes_.substr(0, length));
    const Outcome strict = read(path_);
    ASSERT_THAT(strict.error, StartsWith(path_ + ": ")) << length;
    const Outcome lax = read(path_, {.allow_truncated = true});
    if (length < 4096) {
      ASSERT_NE(lax.error, "") << length;
    } else {
      ASSERT_EQ(lax.error, "") << length;
      ASSERT_TRUE(begins_with(events_, lax.events)) << length;
      ASSERT_EQ(lax.events.size(), whole_events(length)) << length;
      ASSERT_EQ(lax.truncation.empty(), length >= index_at) << length;
    }
  }
}

TEST_F(TraceReaderTest, TruncationBetweenAndWithinBlocksKeepsWholeBlocks) {
  write_long();
  for (std::size_t length = 4096; length < bytes_.size(); length += 3989) {
    const Outcome lax = read_bytes(bytes_.substr(0, length), {.allow_truncated = true});
    ASSERT_EQ(lax.error, "");
    ASSERT_EQ(lax.events.size() % kBlockEvents % 100, 0U);
    ASSERT_TRUE(begins_with(events_, lax.events));
    ASSERT_EQ(lax.truncation.empty(), lax.events.size() == events_.size());
  }
}

TEST_F(TraceReaderTest, EveryCorruptByteIsAnErrorOrHarmless) {
  write_short();
  std::size_t silent = 0;
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      if (at > 128 && at < 4096 && flip != '\x01') continue;  // the provenance's padding
      std::string bytes = bytes_;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const Outcome strict = read_bytes(bytes);
      if (strict.error.empty()) {
        ++silent;
        ASSERT_EQ(strict.events, events_) << at;
      } else {
        ASSERT_TRUE(begins_with(events_, strict.events)) << at;
      }
      const Outcome lax = read(path_, {.allow_truncated = true});
      ASSERT_TRUE(begins_with(events_, lax.events)) << at;
    }
  }
  // The index is not looked at by who reads from start to end, and a zstd frame has bits that do
  // not matter for what it decompresses to (which its checksum covers).
  EXPECT_LE(silent, 3 * (format::index::size(4) + 40));
}

TEST_F(TraceReaderTest, ACorruptBlockNamesItsOffsetAndTheEventsBefore) {
  write_long();
  std::string bytes = bytes_;
  const auto first_size =
      load_le<std::uint32_t>(bytes_.data() + 4096 + format::block::kCompressedSize);
  const std::size_t second = 4096 + format::block::kHeadSize + first_size;
  bytes[second + 1000] = static_cast<char>(bytes[second + 1000] ^ 1);
  const Outcome strict = read_bytes(bytes);
  EXPECT_THAT(strict.error, StartsWith(path_ + ": at byte " + std::to_string(second) +
                                       ": block checksum does not match"));
  EXPECT_THAT(strict.error, HasSubstr("(--allow-truncated uses the " +
                                      std::to_string(kBlockEvents) + " events before it)"));
  const Outcome lax = read(path_, {.allow_truncated = true});
  EXPECT_EQ(lax.events.size(), kBlockEvents);
  EXPECT_THAT(lax.truncation, HasSubstr("at byte " + std::to_string(second)));
}

TEST_F(TraceReaderTest, ALostBlockIsNoticed) {
  write_long();
  const auto first_size =
      load_le<std::uint32_t>(bytes_.data() + 4096 + format::block::kCompressedSize);
  std::string bytes = bytes_;
  bytes.erase(4096, format::block::kHeadSize + first_size);
  set<std::uint64_t>(&bytes, format::header::kIndexOffset,
                     load_le<std::uint64_t>(bytes_.data() + format::header::kIndexOffset) -
                         format::block::kHeadSize - first_size);
  fix_header_crc(&bytes);
  EXPECT_THAT(read_bytes(bytes).error, HasSubstr("begins with event 32768, expected 0"));
}

TEST_F(TraceReaderTest, TheThreadsAloneAreThoseOfTheEvents) {
  write_long();
  TraceReader reader(path_);
  std::size_t at = 0;
  for (auto runs = reader.next_threads(); !runs.empty(); runs = reader.next_threads()) {
    for (const ThreadRun& run : runs) {
      for (std::uint32_t i = 0; i < run.events; ++i) ASSERT_EQ(events_[at++].thread, run.thread);
    }
    ASSERT_EQ(reader.events_read(), at);
  }
  EXPECT_EQ(at, events_.size());
  reader.seek(0);
  EXPECT_EQ(test::read_all(reader), events_);
}

TEST_F(TraceReaderTest, ADamagedBlockIsNoticedByItsThreadsToo) {
  write_long();
  const auto first_size =
      load_le<std::uint32_t>(bytes_.data() + 4096 + format::block::kCompressedSize);
  const std::size_t second = 4096 + format::block::kHeadSize + first_size;
  bytes_[second + 1000] = static_cast<char>(bytes_[second + 1000] ^ 1);
  write_file(path_, bytes_);
  TraceReader reader(path_);
  EXPECT_FALSE(reader.next_threads().empty());
  EXPECT_THAT(test::error_of([&] { reader.next_threads(); }),
              HasSubstr("at byte " + std::to_string(second) + ": block checksum does not match"));
  TraceReader lax(path_, {.allow_truncated = true});
  EXPECT_FALSE(lax.next_threads().empty());
  EXPECT_TRUE(lax.next_threads().empty());
  EXPECT_TRUE(lax.truncated());
}

TEST_F(TraceReaderTest, SeekFindsTheBlockWithAndWithoutTheIndex) {
  write_long();
  const std::uint64_t total = events_.size();
  for (const bool with_index : {true, false}) {
    if (!with_index) write_file(path_, bytes_.substr(0, bytes_.size() - 1));
    TraceReader reader(path_, {.allow_truncated = !with_index});
    for (const std::uint64_t wanted :
         {std::uint64_t{kBlockEvents}, std::uint64_t{0}, total - 1, std::uint64_t{kBlockEvents - 1},
          std::uint64_t{2 * kBlockEvents}, total, total + 1000, std::uint64_t{5}}) {
      const std::uint64_t expected = wanted >= total ? total : wanted / kBlockEvents * kBlockEvents;
      ASSERT_EQ(reader.seek(wanted), expected) << wanted;
      const auto rest = test::read_all(reader);
      ASSERT_TRUE(std::equal(rest.begin(), rest.end(),
                             events_.begin() + static_cast<std::ptrdiff_t>(expected),
                             events_.end()));
    }
  }
}

TEST_F(TraceReaderTest, SeekInADamagedIndex) {
  write_long();
  std::string bytes = bytes_;
  bytes[bytes.size() - 20] ^= 1;
  write_file(path_, bytes);
  TraceReader strict(path_);
  EXPECT_THROW(strict.seek(40000), Error);
  TraceReader lax(path_, {.allow_truncated = true});
  EXPECT_EQ(lax.seek(40000), kBlockEvents);
  EXPECT_EQ(lax.next_block().size(), kBlockEvents);
}

TEST_F(TraceReaderTest, SeekInAnEmptyTrace) {
  test::write_trace(path_, {});
  TraceReader reader(path_);
  EXPECT_EQ(reader.seek(0), 0U);
  EXPECT_TRUE(reader.next_block().empty());
}

}  // namespace
}  // namespace replay
