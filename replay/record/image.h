// One image file of a spool, mapped read-only, and its records as one stream a thread.
//
// Memory: the mapping is the page cache's; beside it 16 bytes a chunk. Not thread-safe. Throws
// Error for a file that is not an image.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "replay/record/spool.h"

namespace replay {

using Segment = std::span<const spool::Record>;

// A thread's records, in the order of its calls.
struct ThreadStream {
  std::uint64_t thread = 0;  // the library's number, from 1
  std::vector<Segment> segments;
};

class Image {
 public:
  explicit Image(const std::string& path);
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const spool::ImageHeader& header() const;
  // Streams without records are left out. O(records).
  std::vector<ThreadStream> streams() const;

 private:
  Segment chunk(std::uint64_t index) const;

  std::string path_;
  void* base_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::uint64_t chunk_count_ = 0;
};

// Records that stand for events of a trace. O(records).
std::uint64_t count_events(const std::vector<ThreadStream>& streams);

}  // namespace replay
