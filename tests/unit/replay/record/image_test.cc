#include "replay/record/image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <new>
#include <vector>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

using spool::ImageHeader;
using spool::RawOp;
using spool::Record;

// An image file written by hand.
class HandMadeImage {
 public:
  explicit HandMadeImage(std::uint64_t chunks)
      : bytes_(spool::kHeaderBytes + chunks * spool::kChunkBytes) {
    auto* header = new (bytes_.data()) ImageHeader{};
    header->magic = spool::kImageMagic;
    header->chunks = chunks;
  }
  ImageHeader& header() { return *std::launder(reinterpret_cast<ImageHeader*>(bytes_.data())); }
  void put(std::size_t chunk, std::size_t index, RawOp op, std::uint64_t address,
           std::uint64_t stamp = 1) {
    const Record record{stamp, address, spool::pack(op, 0, 8)};
    std::memcpy(
        bytes_.data() + spool::kHeaderBytes + chunk * spool::kChunkBytes + index * sizeof(Record),
        &record, sizeof(record));
  }
  std::string write() const {
    const std::string path = dir_ / "image-0";
    std::ofstream(path, std::ios::binary)
        .write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    return path;
  }

 private:
  test::TempFolder dir_;
  std::vector<char> bytes_;
};

TEST(Image, GathersAThreadsSegmentsInOrder) {
  HandMadeImage made(3);
  made.put(0, 0, RawOp::kThread, 1);
  made.put(0, 1, RawOp::kMalloc, 0x10);
  made.put(0, 2, RawOp::kThread, 2);  // took over what thread 1 left
  made.put(0, 3, RawOp::kMalloc, 0x20);
  made.put(0, 4, RawOp::kFree, 0x20);
  made.put(2, 0, RawOp::kThread, 2);
  made.put(2, 1, RawOp::kMalloc, 0x30);
  const Image image(made.write());
  const auto streams = image.streams();
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0].thread, 1u);
  ASSERT_EQ(streams[1].segments.size(), 2u);
  EXPECT_EQ(streams[1].segments[0].size(), 2u);
  EXPECT_EQ(streams[1].segments[1][0].address, 0x30u);
  EXPECT_EQ(count_events(streams), 4u);
}

TEST(Image, ReadsAFullChunk) {
  HandMadeImage made(1);
  made.put(0, 0, RawOp::kThread, 1);
  for (std::size_t i = 1; i < spool::kChunkRecords; ++i) made.put(0, i, RawOp::kMalloc, i * 16, i);
  EXPECT_EQ(count_events(Image(made.write()).streams()), spool::kChunkRecords - 1);
}

// The process died between the fields of a record: it has no stamp yet.
TEST(Image, StopsAtTheFirstRecordWithoutStamp) {
  HandMadeImage made(1);
  made.put(0, 0, RawOp::kThread, 1);
  made.put(0, 1, RawOp::kMalloc, 0x10);
  made.put(0, 2, RawOp::kMalloc, 0x20, 0);
  EXPECT_EQ(count_events(Image(made.write()).streams()), 1u);
}

TEST(Image, DoesNotReadBeyondTheFile) {
  HandMadeImage made(1);
  made.put(0, 0, RawOp::kThread, 1);
  made.put(0, 1, RawOp::kMalloc, 0x10);
  made.header().chunks = 1000;
  EXPECT_EQ(count_events(Image(made.write()).streams()), 1u);
}

TEST(Image, ThreadsWithoutCallsAreLeftOut) {
  HandMadeImage made(1);
  made.put(0, 0, RawOp::kThread, 1);
  EXPECT_TRUE(Image(made.write()).streams().empty());
}

TEST(Image, RefusesWhatIsNoImage) {
  HandMadeImage wrong_magic(1);
  wrong_magic.header().magic = 7;
  EXPECT_THROW(Image(wrong_magic.write()), Error);
  HandMadeImage no_thread(1);
  no_thread.put(0, 0, RawOp::kMalloc, 0x10);
  EXPECT_THROW(Image(no_thread.write()).streams(), Error);
  test::TempFolder dir;
  EXPECT_THROW(Image(dir / "missing"), Error);
  std::ofstream(dir / "short") << "x";
  EXPECT_THROW(Image(dir / "short"), Error);
}

}  // namespace
}  // namespace replay
