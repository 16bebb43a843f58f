#include "replay/record/image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "replay/record/chunk_list.h"
#include "replay/trace/error.h"

namespace replay {

using spool::ImageHeader;
using spool::RawOp;

namespace {

// What was written of a chunk, its state left out.
std::span<const std::uint64_t> words_in(const std::uint64_t* chunk) {
  std::size_t end = spool::kFirstWord;
  while (end < spool::kChunkWords) {
    const std::uint64_t head = __atomic_load_n(chunk + end, __ATOMIC_ACQUIRE);
    const std::size_t size = spool::words_of(spool::op_of(head));
    if (head == 0 || size > spool::kChunkWords - end) break;
    end += size;
  }
  return {chunk + spool::kFirstWord, end - spool::kFirstWord};
}

const std::uint64_t* chunk_in(const void* base, std::size_t header_bytes, std::size_t index) {
  const auto* const bytes = static_cast<const std::byte*>(base) + header_bytes;
  return reinterpret_cast<const std::uint64_t*>(bytes + index * spool::kChunkBytes);
}

}  // namespace

Image::Mapping::Mapping(const std::string& path, std::uint64_t most_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd >= 0 && ::fstat(fd, &status) == 0 && status.st_size > 0) {
    size_bytes = std::min(static_cast<std::uint64_t>(status.st_size), most_bytes);
    void* const mapped = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (mapped != MAP_FAILED) base = mapped;
  }
  error = base != nullptr || (fd >= 0 && size_bytes == 0) ? 0 : errno;
  if (fd >= 0) ::close(fd);
}

Image::Mapping::~Mapping() {
  if (base != nullptr) ::munmap(base, size_bytes);
}

std::size_t Image::Mapping::chunks(std::size_t header_bytes) const {
  return base == nullptr ? 0 : (size_bytes - header_bytes) / spool::kChunkBytes;
}

const ImageHeader* Image::Mapping::header() const {
  const bool whole = base != nullptr && size_bytes >= spool::kHeaderBytes;
  return whole ? static_cast<const ImageHeader*>(base) : nullptr;
}

std::uint64_t Image::chunks_so_far(const std::string& path) {
  const Mapping head(path, spool::kHeaderBytes);
  return head.header() == nullptr ? 0 : head.header()->chunks.load();
}

std::uint64_t Image::used_bytes(const std::string& path) {
  constexpr std::uint64_t kMost = spool::kNever / spool::kChunkBytes - 1;
  const Mapping head(path, spool::kHeaderBytes);
  const std::uint64_t places = head.header() == nullptr ? 0 : head.header()->places.load();
  return spool::kHeaderBytes + std::min(places, kMost) * spool::kChunkBytes;
}

Image::Image(const std::string& path, const std::string& drained_path)
    : path_(path), image_(path, used_bytes(path)), drained_(drained_path) {
  if (image_.header() == nullptr) {
    throw Error(fmt::format("{}: cannot be mapped as an image: {}", path,
                            image_.error != 0 ? std::strerror(image_.error) : "it is too short"));
  }
  if (header().magic != spool::kImageMagic) {
    throw Error(path + ": not an image of a recording (the program died while it started?)");
  }
}

const ImageHeader& Image::header() const { return *image_.header(); }

// Adds what a chunk holds to the streams of the threads that wrote it.
void Image::gather(const std::uint64_t* chunk, const std::string& where, Streams& streams) const {
  const auto words = words_in(chunk);
  if (!words.empty() && spool::op_of(words[0]) != RawOp::kThread) {
    throw Error(fmt::format("{}: {} does not begin with its thread", path_, where));
  }
  for (std::size_t begin = 0; begin != words.size();) {
    std::size_t end = begin + 2;
    while (end != words.size() && spool::op_of(words[end]) != RawOp::kThread) {
      end += spool::words_of(spool::op_of(words[end]));
    }
    ThreadStream& stream = streams[spool::number_of(words[begin])];
    stream.thread = spool::number_of(words[begin]);
    if (begin + 2 != end) {
      stream.segments.push_back({words[begin + 1], words.subspan(begin + 2, end - begin - 2)});
    }
    begin = end;
  }
}

std::vector<ThreadStream> Image::streams() const {
  Streams by_thread;
  for (std::size_t i = 0; i < drained_.chunks(0); ++i) {
    gather(chunk_in(drained_.base, 0, i), fmt::format("drained chunk {}", i), by_thread);
  }
  const auto places =
      std::min<std::uint64_t>(header().places.load(), image_.chunks(spool::kHeaderBytes));
  for (std::uint64_t place = 0; place < places; ++place) {
    const std::uint64_t* const chunk = chunk_in(image_.base, spool::kHeaderBytes, place);
    if (spool::state_of(chunk[0]) == spool::kChunkDrained) continue;
    gather(chunk, fmt::format("chunk {}", place), by_thread);
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
    if (word_ == 0) {
      stamp_ = segment.stamp;
      upper_ = 0;
    }
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
      case RawOp::kMallocShort:
        stamp_ += spool::ticks_of(head);
        record_.stamp = stamp_;
        record_.op = RawOp::kMalloc;
        record_.address = spool::short_address_of(head, upper_);
        record_.size = spool::short_size_of(head);
        return &record_;
      default:
        stamp_ += spool::ticks_of(head);
        record_.stamp = stamp_;
        record_.op = op;
        if (record_.address == 0) record_.address = spool::number_of(head) << spool::kAddressShift;
        if (op == RawOp::kMalloc) upper_ = spool::upper_of(record_.address);
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
