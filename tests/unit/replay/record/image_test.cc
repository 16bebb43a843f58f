#include "replay/record/image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <initializer_list>
#include <map>
#include <new>
#include <vector>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

using spool::ImageHeader;
using spool::RawOp;

// An image file written by hand.
class HandMadeImage {
 public:
  explicit HandMadeImage(std::uint64_t chunks)
      : bytes_(spool::kHeaderBytes + chunks * spool::kChunkBytes) {
    auto* header = new (bytes_.data()) ImageHeader{};
    header->magic = spool::kImageMagic;
    header->places = chunks;
  }
  ImageHeader& header() { return *std::launder(reinterpret_cast<ImageHeader*>(bytes_.data())); }
  // Appends to a chunk.
  void put(std::size_t chunk, std::uint64_t head) { put_words(chunk, {head}); }
  void put(std::size_t chunk, std::uint64_t head, std::uint64_t second) {
    put_words(chunk, {head, second});
  }
  void thread(std::size_t chunk, std::uint64_t number, std::uint64_t stamp) {
    put(chunk, spool::pack_head(RawOp::kThread, 0, number), stamp);
  }
  void malloc(std::size_t chunk, std::uint64_t address, std::uint64_t ticks = 1) {
    put(chunk, spool::pack_head(RawOp::kMalloc, ticks, address >> spool::kAddressShift),
        spool::pack_size(8, 0));
  }
  void free(std::size_t chunk, std::uint64_t address) {
    put(chunk, spool::pack_head(RawOp::kFree, 1, address >> spool::kAddressShift));
  }
  void state(std::size_t chunk, spool::ChunkState state) {
    std::memcpy(bytes_.data() + spool::kHeaderBytes + chunk * spool::kChunkBytes, &state,
                sizeof(state));
  }
  std::string write() const { return write_from(0, "image-0"); }
  // The chunks alone.
  std::string write_drained() const { return write_from(spool::kHeaderBytes, "drained-0"); }

 private:
  void put_words(std::size_t chunk, std::initializer_list<std::uint64_t> words) {
    for (const std::uint64_t word : words) {
      std::memcpy(bytes_.data() + spool::kHeaderBytes + chunk * spool::kChunkBytes +
                      (spool::kFirstWord + used_[chunk]++) * sizeof(word),
                  &word, sizeof(word));
    }
  }

  std::string write_from(std::size_t begin, const char* name) const {
    const std::string path = dir_ / name;
    std::ofstream(path, std::ios::binary)
        .write(bytes_.data() + begin, static_cast<std::streamsize>(bytes_.size() - begin));
    return path;
  }

  test::TempFolder dir_;
  std::vector<char> bytes_;
  std::map<std::size_t, std::size_t> used_;  // words of each chunk
};

std::vector<Record> records_of(const ThreadStream& stream) {
  std::vector<Record> records;
  RecordCursor cursor(stream);
  for (const Record* r = cursor.next(); r != nullptr; r = cursor.next()) records.push_back(*r);
  return records;
}

TEST(Image, GathersAThreadsSegmentsInOrder) {
  HandMadeImage made(3);
  made.thread(0, 1, 100);
  made.malloc(0, 0x10);
  made.thread(0, 2, 200);  // took over what thread 1 left
  made.malloc(0, 0x20);
  made.free(0, 0x20);
  made.thread(2, 2, 300);
  made.malloc(2, 0x30);
  const Image image(made.write());
  const auto streams = image.streams();
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0].thread, 1u);
  ASSERT_EQ(streams[1].segments.size(), 2u);
  const auto records = records_of(streams[1]);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].op, RawOp::kFree);
  EXPECT_EQ(records[1].stamp, 202u);
  EXPECT_EQ(records[2].address, 0x30u);
  EXPECT_EQ(records[2].stamp, 301u);
  EXPECT_EQ(count_events(streams), 4u);
}

// The process may have died at any moment of a chunk's round.
TEST(Image, TakesEachChunkOnceDrainedOrNot) {
  HandMadeImage drained(2);
  drained.thread(0, 1, 100);
  drained.malloc(0, 0x10);
  drained.thread(1, 1, 200);
  drained.malloc(1, 0x20);
  const std::string drained_path = drained.write_drained();
  HandMadeImage made(4);
  made.thread(0, 1, 200);  // given back, and not begun
  made.malloc(0, 0x20);
  made.state(0, spool::kChunkDrained);
  made.thread(1, 1, 300);
  made.malloc(1, 0x30);
  made.state(1, spool::kChunkFull);
  made.thread(2, 1, 400);
  made.malloc(2, 0x40);
  made.state(2, spool::kChunkOwned);
  made.state(3, spool::kChunkOwned);  // nothing in it yet
  const auto records = records_of(Image(made.write(), drained_path).streams().at(0));
  ASSERT_EQ(records.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(records[i].address, 0x10 * (i + 1));
}

// When chunks are used again, a thread's later records may lie before its earlier ones.
TEST(Image, SortsAThreadsSegmentsByTime) {
  HandMadeImage made(2);
  made.thread(0, 1, 500);
  made.malloc(0, 0x20);
  made.thread(1, 1, 100);
  made.malloc(1, 0x10);
  const Image image(made.write());
  const auto records = records_of(image.streams().at(0));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].address, 0x10u);
  EXPECT_EQ(records[1].address, 0x20u);
}

TEST(Image, ReadsWhatARecordIsPrecededBy) {
  HandMadeImage made(1);
  made.thread(0, 1, 100);
  made.put(0, spool::pack_head(RawOp::kTime, 0, 0), std::uint64_t{1} << 40);
  made.put(0, spool::pack_head(RawOp::kAddress, 0, 0), 0xffff'1234'5678'9abd);
  made.put(0, spool::pack_head(RawOp::kSite, 0, 777));
  made.put(0, spool::pack_head(RawOp::kAligned, 0, 0), spool::pack_size(123'456, 21));
  made.put(0, spool::pack_head(RawOp::kTouched, 0, 6));
  made.free(0, 0x40);
  const Image image(made.write());
  const auto records = records_of(image.streams().at(0));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].stamp, std::uint64_t{1} << 40);
  EXPECT_EQ(records[0].address, 0xffff'1234'5678'9abdu);
  EXPECT_EQ(records[0].site, 777u);
  EXPECT_EQ(records[0].size, 123'456u);
  EXPECT_EQ(records[0].align_log2, 21);
  EXPECT_EQ(records[0].touched, 0u);
  EXPECT_EQ(records[1].touched, 6u);
  EXPECT_EQ(records[1].site, 0u);
  EXPECT_EQ(records[1].address, 0x40u);
  EXPECT_EQ(records[1].stamp, (std::uint64_t{1} << 40) + 1);
}

TEST(Image, ReadsAShortMallocByTheLongOneBefore) {
  HandMadeImage made(1);
  constexpr std::uint64_t kHigh = 0x7f12'3456'7890;
  made.thread(0, 1, 100);
  made.malloc(0, 0x10);
  made.malloc(0, kHigh);
  made.free(0, 0x5555'5555'0010);  // says nothing of the next
  made.put(0, spool::pack_short(7, kHigh + 0x20, 999));
  const Image image(made.write());
  const auto records = records_of(image.streams().at(0));
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[3].op, RawOp::kMalloc);
  EXPECT_EQ(records[3].address, kHigh + 0x20);
  EXPECT_EQ(records[3].size, 999u);
  EXPECT_EQ(records[3].align_log2, 0u);
  EXPECT_EQ(records[3].stamp, 110u);
  EXPECT_EQ(count_events(image.streams()), 4u);
}

TEST(Image, ReadsAFullChunk) {
  HandMadeImage made(1);
  made.thread(0, 1, 100);
  constexpr std::size_t kFrees = spool::kChunkWords - spool::kFirstWord - 2;
  for (std::size_t i = 0; i < kFrees; ++i) made.free(0, 8 * (i + 1));
  EXPECT_EQ(count_events(Image(made.write()).streams()), kFrees);
}

// The process died between the words of a record: it has no head yet.
TEST(Image, StopsAtTheFirstRecordWithoutHead) {
  HandMadeImage made(1);
  made.thread(0, 1, 100);
  made.malloc(0, 0x10);
  made.put(0, 0, 8);
  made.malloc(0, 0x20);
  EXPECT_EQ(count_events(Image(made.write()).streams()), 1u);
}

TEST(Image, DoesNotReadBeyondTheFile) {
  HandMadeImage made(1);
  made.thread(0, 1, 100);
  made.malloc(0, 0x10);
  made.header().places = 1000;
  EXPECT_EQ(count_events(Image(made.write()).streams()), 1u);
}

TEST(Image, ThreadsWithoutCallsAreLeftOut) {
  HandMadeImage made(1);
  made.thread(0, 1, 100);
  EXPECT_TRUE(Image(made.write()).streams().empty());
}

TEST(Image, RefusesWhatIsNoImage) {
  HandMadeImage wrong_magic(1);
  wrong_magic.header().magic = 7;
  EXPECT_THROW(Image(wrong_magic.write()), Error);
  HandMadeImage no_thread(1);
  no_thread.malloc(0, 0x10);
  EXPECT_THROW(Image(no_thread.write()).streams(), Error);
  test::TempFolder dir;
  EXPECT_THROW(Image(dir / "missing"), Error);
  std::ofstream(dir / "short") << "x";
  EXPECT_THROW(Image(dir / "short"), Error);
}

}  // namespace
}  // namespace replay
