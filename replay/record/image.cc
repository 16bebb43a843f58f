#include "replay/record/image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "replay/trace/error.h"

namespace replay {

using spool::ImageHeader;
using spool::Record;

Image::Image(const std::string& path) : path_(path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  struct stat status {};
  if (::fstat(fd, &status) == 0 && status.st_size >= off_t{spool::kHeaderBytes}) {
    size_bytes_ = static_cast<std::size_t>(status.st_size);
    base_ = ::mmap(nullptr, size_bytes_, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
  }
  ::close(fd);
  if (base_ == nullptr || base_ == MAP_FAILED) {
    throw Error(fmt::format("{}: cannot be mapped as an image of {} bytes", path, size_bytes_));
  }
  if (header().magic != spool::kImageMagic) {
    ::munmap(base_, size_bytes_);
    throw Error(path + ": not an image of a recording (the program died while it started?)");
  }
  const std::uint64_t room = (size_bytes_ - spool::kHeaderBytes) / spool::kChunkBytes;
  chunk_count_ = std::min(header().chunks.load(), room);
}

Image::~Image() { ::munmap(base_, size_bytes_); }

const ImageHeader& Image::header() const { return *static_cast<const ImageHeader*>(base_); }

Segment Image::chunk(std::uint64_t index) const {
  const auto* bytes = static_cast<const std::byte*>(base_) + spool::kHeaderBytes;
  const auto* first = reinterpret_cast<const Record*>(bytes + index * spool::kChunkBytes);
  const Segment all(first, spool::kChunkRecords);
  const auto unwritten = std::find_if(all.begin(), all.end(), [](const Record& r) {
    return __atomic_load_n(&r.stamp, __ATOMIC_ACQUIRE) == 0;
  });
  return all.first(static_cast<std::size_t>(unwritten - all.begin()));
}

std::vector<ThreadStream> Image::streams() const {
  std::map<std::uint64_t, ThreadStream> by_thread;
  for (std::uint64_t index = 0; index < chunk_count_; ++index) {
    const Segment records = chunk(index);
    const auto is_marker = [](const Record& r) { return spool::op_of(r) == spool::RawOp::kThread; };
    auto marker = records.begin();
    if (marker != records.end() && !is_marker(*marker)) {
      throw Error(fmt::format("{}: chunk {} does not begin with its thread", path_, index));
    }
    while (marker != records.end()) {
      const auto end = std::find_if(marker + 1, records.end(), is_marker);
      ThreadStream& stream = by_thread[marker->address];
      stream.thread = marker->address;
      if (marker + 1 != end) stream.segments.emplace_back(marker + 1, end);
      marker = end;
    }
  }
  std::vector<ThreadStream> streams;
  for (auto& [thread, stream] : by_thread) {
    if (!stream.segments.empty()) streams.push_back(std::move(stream));
  }
  return streams;
}

std::uint64_t count_events(const std::vector<ThreadStream>& streams) {
  std::uint64_t events = 0;
  for (const ThreadStream& stream : streams) {
    for (const Segment& segment : stream.segments) {
      events += static_cast<std::uint64_t>(
          std::count_if(segment.begin(), segment.end(),
                        [](const Record& r) { return spool::is_event(spool::op_of(r)); }));
    }
  }
  return events;
}

}  // namespace replay
