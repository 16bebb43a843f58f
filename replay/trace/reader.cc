#include "replay/trace/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "replay/trace/block_codec.h"
#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/header_codec.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

// A regular file, read at offsets; closed with the object.
class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path) {
    fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) throw Error(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
    struct stat info {};
    std::string problem;
    if (fstat(fd_, &info) != 0) {
      problem = std::strerror(errno);
    } else if (S_ISDIR(info.st_mode)) {
      problem = "is a directory, expected a trace file";
    } else if (!S_ISREG(info.st_mode)) {
      problem = "is not a regular file, and a trace cannot be read from a pipe or device";
    }
    if (!problem.empty()) {
      close(fd_);
      throw Error(fmt::format("{}: {}", path, problem));
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
  }
  ~InputFile() { close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }

  // pre: offset + length <= size().
  void read(std::uint64_t offset, std::size_t length, std::vector<unsigned char>* bytes) {
    bytes->resize(length);
    for (std::size_t done = 0; done < length;) {
      const ssize_t got =
          pread(fd_, bytes->data() + done, length - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        throw Error(fmt::format("{}: at byte {}: cannot read: {}", path_, offset + done,
                                got < 0 ? std::strerror(errno) : "the file became shorter"));
      }
      done += static_cast<std::size_t>(got);
    }
  }

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

struct IndexEntry {
  std::uint64_t offset;
  std::uint64_t first_event;
};

// What the blocks before the current offset add up to.
struct Position {
  std::uint64_t offset = 0;
  std::uint64_t events = 0;
  std::uint64_t objects = 0;
  std::uint64_t time = 0;     // units
  bool objects_known = true;  // not after skipping
};

}  // namespace

struct TraceReader::Impl {
  Impl(const std::string& path_in, ReadOptions options_in)
      : path(path_in), options(options_in), file(path_in) {}

  void open_header();
  void check_length();
  bool read_head(BlockHead* head);
  bool read_sites();
  bool at_end();
  void skip_block(const BlockHead& head);
  bool load_index();
  bool parse_index();
  bool damaged(std::uint64_t offset, const std::string& what);
  std::span<const Event> next_block();
  std::uint64_t seek(std::uint64_t index);

  std::string path;
  ReadOptions options;
  InputFile file;
  TraceHeader header;
  FileLayout layout;
  std::uint64_t data_end = 0;  // of the blocks
  std::unique_ptr<BlockDecoder> decoder;
  Position position;
  bool ended = false;
  bool index_tried = false;
  std::vector<IndexEntry> index;
  std::vector<unsigned char> bytes;
  std::string truncation;
  SiteTable sites;
  bool sites_read = false;
};

void TraceReader::Impl::open_header() {
  const auto refuse = [this](std::uint64_t offset, const std::string& what) {
    throw Error(fmt::format("{}: at byte {}: {}", path, offset, what));
  };
  if (file.size() == 0) throw Error(path + ": the file is empty, expected a trace");
  constexpr std::size_t kFixed = format::header::kFixedSize;
  const std::size_t magic = std::min<std::uint64_t>(file.size(), format::kFileMagic.size());
  file.read(0, std::min<std::uint64_t>(file.size(), kFixed), &bytes);
  if (std::memcmp(bytes.data(), format::kFileMagic.data(), magic) != 0) {
    refuse(0, "not a trace file (expected the magic 89 41 52 54 0D 0A 1A 0A)");
  }
  if (bytes.size() < kFixed) {
    refuse(file.size(), fmt::format("the file ends within its header of {} bytes", kFixed));
  }
  HeaderProblem problem = decode_preamble(bytes, &layout.header_size);
  if (!problem.what.empty()) refuse(problem.offset, problem.what);
  if (file.size() < layout.header_size) {
    refuse(file.size(),
           fmt::format("the file ends within its header of {} bytes", layout.header_size));
  }
  file.read(0, layout.header_size, &bytes);
  problem = decode_header(bytes, &header, &layout);
  if (!problem.what.empty()) refuse(problem.offset, problem.what);
  decoder = std::make_unique<BlockDecoder>(header.time_unit_ns, features_of(header));
  position.offset = layout.header_size;
  check_length();
}

void TraceReader::Impl::check_length() {
  data_end = file.size();
  if (!header.complete) {
    if (options.allow_truncated) return;
    throw Error(
        fmt::format("{}: at byte {}: the trace was not finished by its writer "
                    "(--allow-truncated uses what is whole)",
                    path, format::header::kStatus));
  }
  const std::uint64_t index_size = format::index::size(layout.block_count);
  if (layout.index_offset < layout.header_size || layout.index_offset > UINT64_MAX - index_size) {
    throw Error(fmt::format("{}: at byte {}: the index cannot be at byte {}", path,
                            format::header::kIndexOffset, layout.index_offset));
  }
  data_end = std::min(data_end, layout.index_offset);
  const std::uint64_t expected = layout.index_offset + index_size;
  if (file.size() == expected || options.allow_truncated) return;
  if (file.size() > expected) {
    throw Error(
        fmt::format("{}: at byte {}: {} bytes follow the end of the trace "
                    "(--allow-truncated ignores them)",
                    path, expected, file.size() - expected));
  }
  throw Error(
      fmt::format("{}: at byte {}: the file ends, expected {} bytes; it is cut short "
                  "(--allow-truncated uses what is whole)",
                  path, file.size(), expected));
}

// Ends the trace here, or throws. Returns false.
bool TraceReader::Impl::damaged(std::uint64_t offset, const std::string& what) {
  ended = true;
  if (options.allow_truncated) {
    truncation = fmt::format("{}: at byte {}: {}; the {} events before it are used", path, offset,
                             what, position.events);
    return false;
  }
  throw Error(
      fmt::format("{}: at byte {}: {}; the file is damaged (--allow-truncated uses the {} "
                  "events before it)",
                  path, offset, what, position.events));
}

bool TraceReader::Impl::at_end() {
  if (ended) return true;
  if (position.offset != data_end) return false;
  if (!header.complete) return !damaged(position.offset, "the trace was not finished");
  if (position.events != header.event_count) {
    return !damaged(position.offset, fmt::format("the blocks end after {} events, expected {}",
                                                 position.events, header.event_count));
  }
  if (position.objects_known && position.objects != header.object_count) {
    return !damaged(position.offset, fmt::format("the blocks hold {} births, expected {}",
                                                 position.objects, header.object_count));
  }
  if (header.has_sites && !sites_read) {
    return !damaged(position.offset, "the blocks end without the call sites");
  }
  ended = true;
  return true;
}

// What stands behind the last block. Returns false: no block follows.
bool TraceReader::Impl::read_sites() {
  const std::uint64_t offset = position.offset;
  std::uint32_t compressed_size = 0;
  std::uint32_t raw_size = 0;
  std::string problem = decode_site_head(bytes.data(), &compressed_size, &raw_size);
  if (!problem.empty()) return damaged(offset, problem);
  const std::uint64_t frame_at = offset + format::sites::kHeadSize;
  if (compressed_size > data_end - frame_at) {
    return damaged(data_end, "the file ends within the call sites");
  }
  file.read(frame_at, compressed_size, &bytes);
  problem = decode_site_table(bytes, raw_size, &sites);
  if (!problem.empty()) return damaged(offset, problem);
  sites_read = true;
  position.offset = frame_at + compressed_size;
  if (!at_end()) return damaged(position.offset, "a block follows the call sites");
  return false;
}

bool TraceReader::Impl::read_head(BlockHead* head) {
  const std::uint64_t offset = position.offset;
  if (data_end - offset < format::block::kHeadSize) {
    return damaged(data_end, "the blocks end within a block head");
  }
  file.read(offset, format::block::kHeadSize, &bytes);
  if (header.has_sites &&
      std::memcmp(bytes.data(), format::kSitesMagic.data(), format::kSitesMagic.size()) == 0) {
    return read_sites();
  }
  const std::string problem = decode_head(bytes.data(), head, features_of(header));
  if (!problem.empty()) return damaged(offset, problem);
  if (head->first_event != position.events) {
    return damaged(offset, fmt::format("the block begins with event {}, expected {}",
                                       head->first_event, position.events));
  }
  if (position.objects_known && head->objects_before != position.objects) {
    return damaged(offset, fmt::format("the block counts {} objects before it, expected {}",
                                       head->objects_before, position.objects));
  }
  if (head->first_time < position.time) {
    return damaged(offset, fmt::format("the block begins at time {}, before {} of the one before",
                                       head->first_time, position.time));
  }
  if (head->compressed_size > data_end - offset - format::block::kHeadSize) {
    return damaged(data_end, "the blocks end within a block");
  }
  return true;
}

std::span<const Event> TraceReader::Impl::next_block() {
  BlockHead head;
  if (at_end() || !read_head(&head)) return {};
  const std::uint64_t offset = position.offset;
  file.read(offset + format::block::kHeadSize, head.compressed_size, &bytes);
  std::string problem = decoder->decode(head, bytes);
  if (problem.empty() && header.complete && decoder->threads() > header.thread_count) {
    problem = fmt::format("thread {} in a trace of {} threads", decoder->threads() - 1,
                          header.thread_count);
  }
  if (!problem.empty()) {
    damaged(offset, problem);
    return {};
  }
  position = {.offset = offset + format::block::kHeadSize + head.compressed_size,
              .events = head.first_event + head.event_count,
              .objects = head.objects_before + decoder->births(),
              .time = decoder->events().back().time_ns / header.time_unit_ns,
              .objects_known = true};
  return decoder->events();
}

void TraceReader::Impl::skip_block(const BlockHead& head) {
  position = {.offset = position.offset + format::block::kHeadSize + head.compressed_size,
              .events = head.first_event + head.event_count,
              .objects = 0,
              .time = head.first_time,
              .objects_known = false};
}

// Returns false if there is none to use.
bool TraceReader::Impl::load_index() {
  if (index_tried) return !index.empty();
  index_tried = true;
  const std::uint64_t size = format::index::size(layout.block_count);
  if (!header.complete || file.size() != layout.index_offset + size) return false;
  file.read(layout.index_offset, size, &bytes);
  if (!parse_index()) {
    index.clear();
    if (options.allow_truncated) return false;
    throw Error(fmt::format("{}: at byte {}: the index is damaged (--allow-truncated does without)",
                            path, layout.index_offset));
  }
  return !index.empty();
}

// Returns false if `bytes` is no index, or one that cannot be of these blocks.
bool TraceReader::Impl::parse_index() {
  const unsigned char* const from = bytes.data();
  const std::size_t crc_at = bytes.size() - 4;
  if (std::memcmp(from, format::kIndexMagic.data(), format::kIndexMagic.size()) != 0 ||
      load_le<std::uint32_t>(from + format::index::kBlockCount) != layout.block_count ||
      load_le<std::uint32_t>(from + crc_at) !=
          static_cast<std::uint32_t>(crc32_z(0, from, crc_at))) {
    return false;
  }
  IndexEntry least{layout.header_size, 0};
  for (std::uint32_t i = 0; i < layout.block_count; ++i) {
    const unsigned char* const at =
        from + format::index::kEntriesAt + i * format::index::kEntrySize;
    const IndexEntry entry{load_le<std::uint64_t>(at), load_le<std::uint64_t>(at + 8)};
    if (entry.offset < least.offset || entry.offset >= data_end ||
        entry.first_event < least.first_event || (i == 0 && entry.offset != least.offset)) {
      return false;
    }
    index.push_back(entry);
    least = {entry.offset + format::block::kHeadSize, entry.first_event + 1};
  }
  return true;
}

std::uint64_t TraceReader::Impl::seek(std::uint64_t wanted) {
  ended = false;
  sites_read = false;
  truncation.clear();
  position = {.offset = layout.header_size};
  if (load_index()) {
    const auto after = std::upper_bound(
        index.begin(), index.end(), wanted,
        [](std::uint64_t event, const IndexEntry& entry) { return event < entry.first_event; });
    if (after != index.begin()) {
      const IndexEntry& entry = *(after - 1);
      position = {.offset = entry.offset, .events = entry.first_event, .objects_known = false};
      if (entry.offset == layout.header_size) position.objects_known = true;
    }
  }
  BlockHead head;
  while (!at_end() && read_head(&head)) {
    if (wanted - head.first_event < head.event_count) return head.first_event;
    skip_block(head);
  }
  return position.events;
}

TraceReader::TraceReader(const std::string& path, ReadOptions options)
    : impl_(std::make_unique<Impl>(path, options)) {
  impl_->open_header();
}
TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

const TraceHeader& TraceReader::header() const { return impl_->header; }
const std::string& TraceReader::path() const { return impl_->path; }
std::span<const Event> TraceReader::next_block() { return impl_->next_block(); }
std::uint64_t TraceReader::seek(std::uint64_t index) { return impl_->seek(index); }
const SiteTable& TraceReader::sites() const { return impl_->sites; }
bool TraceReader::truncated() const { return !impl_->truncation.empty(); }
const std::string& TraceReader::truncation() const { return impl_->truncation; }

}  // namespace replay
