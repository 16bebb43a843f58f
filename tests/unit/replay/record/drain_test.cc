#include "replay/record/drain.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "replay/record/chunk_list.h"
#include "replay/record/image.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

namespace fs = std::filesystem;
using spool::ImageHeader;
using spool::RawOp;

// An image file as the library has it: mapped, and changed as the program runs.
class LiveImage {
 public:
  LiveImage(SpoolDirectory& spool, std::size_t places) : path_(spool.image_path(0)) {
    std::ofstream(path_).flush();
    size_ = spool::kHeaderBytes + places * spool::kChunkBytes;
    fs::resize_file(path_, size_);
    const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    base_ =
        static_cast<std::byte*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ::close(fd);
    header().places = places;
    header().magic = spool::kImageMagic;
    spool.control().images = 1;
  }
  ~LiveImage() { ::munmap(base_, size_); }
  LiveImage(const LiveImage&) = delete;
  LiveImage& operator=(const LiveImage&) = delete;

  ImageHeader& header() { return *reinterpret_cast<ImageHeader*>(base_); }
  std::byte* chunks() { return base_ + spool::kHeaderBytes; }
  // A chunk with one free of `address` at `stamp`, for the recorder to drain.
  void fill(std::uint64_t place, std::uint64_t stamp, std::uint64_t address) {
    std::uint64_t* const words = spool::chunk_at(chunks(), place);
    words[1] = spool::pack_head(RawOp::kThread, 0, 1);
    words[2] = stamp;
    words[3] = spool::pack_head(RawOp::kFree, 0, address >> spool::kAddressShift);
    words[4] = 0;
    spool::push_chunk(header().full, chunks(), place, spool::kChunkFull);
  }
  spool::ChunkState state(std::uint64_t place) {
    return spool::state_of(*spool::chunk_at(chunks(), place));
  }

 private:
  std::string path_;
  std::size_t size_ = 0;
  std::byte* base_ = nullptr;
};

class DrainTest : public ::testing::Test {
 protected:
  std::vector<std::uint64_t> addresses() {
    const Image image(spool_.image_path(0), spool_.drained_path(0));
    std::vector<std::uint64_t> found;
    for (const ThreadStream& stream : image.streams()) {
      RecordCursor cursor(stream);
      for (const Record* r = cursor.next(); r != nullptr; r = cursor.next()) {
        found.push_back(r->address);
      }
    }
    return found;
  }

  test::TempFolder dir_;
  SpoolDirectory spool_{dir_ / "x.trace", {}};
  Drain drain_{spool_};
};

using Addresses = std::vector<std::uint64_t>;

TEST_F(DrainTest, WaitsForAnImage) {
  const std::uint64_t first = drain_.run();
  EXPECT_GT(first, 0u);
  EXPECT_GT(drain_.run(), first);
  spool_.control().images = 1;  // its file is not there yet
  EXPECT_GT(drain_.run(), 0u);
  EXPECT_FALSE(fs::exists(spool_.drained_path(0)));
}

TEST_F(DrainTest, CopiesAndGivesBackWhatIsFull) {
  LiveImage image(spool_, 3);
  image.fill(2, 100, 0x10);
  image.fill(0, 200, 0x20);
  const std::uint64_t busy = drain_.run();
  EXPECT_EQ(fs::file_size(spool_.drained_path(0)), 2 * spool::kChunkBytes);
  EXPECT_EQ(image.state(0), spool::kChunkDrained);
  EXPECT_EQ(addresses(), (Addresses{0x10, 0x20}));
  EXPECT_GT(drain_.run(), busy);  // nothing was full
  const auto place = spool::pop_chunk(image.header().drained, image.chunks());
  ASSERT_TRUE(place);
  image.fill(*place, 300, 0x30);
  EXPECT_EQ(drain_.run(), busy);
  EXPECT_EQ(addresses(), (Addresses{0x10, 0x20, 0x30}));
}

// What is full and not drained yet is in the trace all the same.
TEST_F(DrainTest, ASuddenEndLosesNothing) {
  LiveImage image(spool_, 2);
  image.fill(0, 100, 0x10);
  drain_.run();
  image.fill(1, 200, 0x20);
  EXPECT_EQ(addresses(), (Addresses{0x10, 0x20}));
}

TEST_F(DrainTest, AFullDiskLeavesTheChunksInTheImage) {
  LiveImage image(spool_, 2);
  image.fill(0, 100, 0x10);
  image.fill(1, 200, 0x20);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit one_chunk{spool::kChunkBytes + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &one_chunk), 0);
  drain_.run();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(spool_.control().drains.load(), 0u);
  EXPECT_EQ(image.state(0), spool::kChunkDrained);
  EXPECT_EQ(image.state(1), spool::kChunkFull);
  EXPECT_EQ(addresses(), (Addresses{0x10, 0x20}));
}

// Then threads use their oldest chunks again, and nobody else does.
TEST(DrainOfTheLast, LeavesAllToTheThreads) {
  test::TempFolder dir;
  RecordOptions options;
  options.keep_bytes = 1'000'000;
  SpoolDirectory spool(dir / "x.trace", options);
  LiveImage image(spool, 1);
  image.fill(0, 100, 0x10);
  Drain(spool).run();
  EXPECT_EQ(image.state(0), spool::kChunkFull);
  EXPECT_FALSE(fs::exists(spool.drained_path(0)));
}

}  // namespace
}  // namespace replay
