// One image file of a spool and what was drained from it, mapped read-only, and the records as one
// stream a thread.
//
// Memory: the mapping is the page cache's; beside it 16 bytes a chunk. Not thread-safe. Throws
// Error for a file that is not an image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "replay/record/spool.h"

namespace replay {

// What a thread wrote into one chunk, from behind its kThread record on.
struct Segment {
  std::uint64_t stamp = 0;  // before the first record
  std::span<const std::uint64_t> words;
};

// A record with all that stands before it on its behalf; of a short one the long form.
struct Record {
  std::uint64_t stamp = 0;
  std::uint64_t address = 0;
  spool::RawOp op = spool::RawOp::kUnwritten;
  std::uint8_t align_log2 = 0;
  std::uint64_t size = 0;
  std::uint64_t site = 0;     // a word of the stacks file; 0: none
  std::uint64_t touched = 0;  // 1 + pages; 0: not known
};

// A thread's records, in the order of its calls.
struct ThreadStream {
  std::uint64_t thread = 0;  // the library's number, from 1
  std::vector<Segment> segments;
};

// Reads a stream's records one by one.
class RecordCursor {
 public:
  explicit RecordCursor(const ThreadStream& stream) : stream_(&stream) {}
  // The next record, until the next call; nullptr at the end.
  const Record* next();

 private:
  const ThreadStream* stream_;
  std::size_t segment_ = 0;
  std::size_t word_ = 0;
  std::uint64_t stamp_ = 0;
  std::uint64_t upper_ = 0;  // of the addresses of short records
  Record record_;
};

class Image {
 public:
  // drained_path: need not be there.
  explicit Image(const std::string& path, const std::string& drained_path = "");
  // Chunks handed out to the program so far; 0 while there is no image.
  static std::uint64_t chunks_so_far(const std::string& path);
  const spool::ImageHeader& header() const;
  // Streams without records are left out. O(records).
  std::vector<ThreadStream> streams() const;

 private:
  // A file, or the first bytes of it, or what there is of them.
  struct Mapping {
    explicit Mapping(const std::string& path, std::uint64_t most_bytes = spool::kNever);
    ~Mapping();
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    std::size_t chunks(std::size_t header_bytes) const;
    const spool::ImageHeader* header() const;  // nullptr: shorter than one

    void* base = nullptr;  // nullptr: cannot be mapped, or is empty
    std::size_t size_bytes = 0;
    int error = 0;
  };
  using Streams = std::map<std::uint64_t, ThreadStream>;
  // What is to be mapped of the file, which is as long as it may ever become.
  static std::uint64_t used_bytes(const std::string& path);
  void gather(const std::uint64_t* chunk, const std::string& where, Streams& streams) const;

  std::string path_;
  Mapping image_;
  Mapping drained_;
};

// Records that stand for events of a trace. O(records).
std::uint64_t count_events(const std::vector<ThreadStream>& streams);

}  // namespace replay
