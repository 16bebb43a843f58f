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
using spool::RawOp;

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

// What was written of a chunk, its state left out.
std::span<const std::uint64_t> Image::chunk(std::uint64_t index) const {
  const auto* bytes = static_cast<const std::byte*>(base_) + spool::kHeaderBytes;
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes + index * spool::kChunkBytes);
  std::size_t end = spool::kFirstWord;
  while (end < spool::kChunkWords) {
    const std::uint64_t head = __atomic_load_n(words + end, __ATOMIC_ACQUIRE);
    const std::size_t size = spool::words_of(spool::op_of(head));
    if (head == 0 || size > spool::kChunkWords - end) break;
    end += size;
  }
  return {words + spool::kFirstWord, end - spool::kFirstWord};
}

std::vector<ThreadStream> Image::streams() const {
  std::map<std::uint64_t, ThreadStream> by_thread;
  for (std::uint64_t index = 0; index < chunk_count_; ++index) {
    const auto words = chunk(index);
    if (!words.empty() && spool::op_of(words[0]) != RawOp::kThread) {
      throw Error(fmt::format("{}: chunk {} does not begin with its thread", path_, index));
    }
    for (std::size_t begin = 0; begin != words.size();) {
      std::size_t end = begin + 2;
      while (end != words.size() && spool::op_of(words[end]) != RawOp::kThread) {
        end += spool::words_of(spool::op_of(words[end]));
      }
      ThreadStream& stream = by_thread[spool::number_of(words[begin])];
      stream.thread = spool::number_of(words[begin]);
      if (begin + 2 != end) {
        stream.segments.push_back({words[begin + 1], words.subspan(begin + 2, end - begin - 2)});
      }
      begin = end;
    }
  }
  std::vector<ThreadStream> streams;
  for (auto& [thread, stream] : by_thread) {
    if (stream.segments.empty()) continue;
    // Chunks that were used again are out of order.
    std::stable_sort(stream.segments.begin(), stream.segments.end(),
                     [](const Segment& a, const Segment& b) { return a.stamp < b.stamp; });
    streams.push_back(std::move(stream));
  }
  return streams;
}

const Record* RecordCursor::next() {
  record_ = {};
  while (segment_ != stream_->segments.size()) {
    const Segment& segment = stream_->segments[segment_];
    if (word_ == 0) stamp_ = segment.stamp;
    if (word_ == segment.words.size()) {
      ++segment_;
      word_ = 0;
      continue;
    }
    const std::uint64_t head = segment.words[word_];
    const RawOp op = spool::op_of(head);
    const std::uint64_t second = spool::words_of(op) == 2 ? segment.words[word_ + 1] : 0;
    word_ += spool::words_of(op);
    switch (op) {
      case RawOp::kTime:
        stamp_ = second;
        continue;
      case RawOp::kAddress:
        record_.address = second;
        continue;
      case RawOp::kSite:
        record_.site = spool::number_of(head);
        continue;
      case RawOp::kTouched:
        record_.touched = spool::number_of(head);
        continue;
      default:
        stamp_ += spool::ticks_of(head);
        record_.stamp = stamp_;
        record_.op = op;
        if (record_.address == 0) record_.address = spool::number_of(head) << spool::kAddressShift;
        record_.size = second & ((std::uint64_t{1} << spool::kSizeBits) - 1);
        record_.align_log2 = static_cast<std::uint8_t>(second >> spool::kSizeBits);
        return &record_;
    }
  }
  return nullptr;
}

std::uint64_t count_events(const std::vector<ThreadStream>& streams) {
  std::uint64_t events = 0;
  for (const ThreadStream& stream : streams) {
    for (const Segment& segment : stream.segments) {
      for (std::size_t at = 0; at < segment.words.size();) {
        const RawOp op = spool::op_of(segment.words[at]);
        events += spool::is_event(op) ? 1 : 0;
        at += spool::words_of(op);
      }
    }
  }
  return events;
}

}  // namespace replay
