#include "replay/trace/reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "replay/trace/block_codec.h"
#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/header_codec.h"
#include "replay/trace/input_file.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/trailer_codec.h"

namespace replay {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

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
      : options(options_in), file(path_in, options_in.already_read), path(file.name()) {}

  bool read_at(std::uint64_t offset, std::size_t length);
  void open_header();
  void read_header();
  void check_length();
  void find_trailer();
  bool read_trailer(std::uint64_t offset);
  bool check_counts();
  void check_nothing_follows();
  bool read_head(BlockHead* head);
  bool read_sites();
  bool at_end();
  void skip_block(const BlockHead& head);
  bool load_index();
  bool parse_index();
  bool damaged(std::uint64_t offset, const std::string& what);
  std::span<const Event> next_block();
  std::uint64_t seek(std::uint64_t index);
  [[noreturn]] void fail(std::uint64_t offset, const std::string& what) const {
    throw Error(fmt::format("{}: at byte {}: {}", path, offset, what));
  }

  ReadOptions options;
  InputFile file;
  std::string path;
  TraceHeader header;
  FileLayout layout;
  std::uint64_t data_end = kUnknown;  // of the blocks
  std::unique_ptr<BlockDecoder> decoder;
  Position position;
  std::optional<BlockHead> next_head;  // of the block at `position`, if it was read
  std::uint32_t threads = 0;           // the greatest number of those read, plus 1
  bool ended = false;
  bool index_tried = false;
  std::vector<IndexEntry> index;
  std::vector<unsigned char> bytes;
  std::string truncation;
  SiteTable sites;
  bool sites_read = false;
};

// Sets `bytes` to what is there; returns false if that is less than `length`.
bool TraceReader::Impl::read_at(std::uint64_t offset, std::size_t length) {
  bytes.resize(length);
  const std::size_t got = file.read(offset, bytes);
  bytes.resize(got);
  return got == length;
}

void TraceReader::Impl::open_header() {
  read_header();
  decoder = std::make_unique<BlockDecoder>(header.time_unit_ns, features_of(header));
  position.offset = layout.header_size;
  if (header.streamed) {
    find_trailer();
  } else {
    check_length();
  }
}

void TraceReader::Impl::read_header() {
  constexpr std::size_t kFixed = format::header::kFixedSize;
  const bool whole = read_at(0, kFixed);
  if (bytes.empty()) throw Error(path + ": the file is empty, expected a trace");
  const std::size_t magic = std::min(bytes.size(), format::kFileMagic.size());
  if (std::memcmp(bytes.data(), format::kFileMagic.data(), magic) != 0) {
    fail(0, "not a trace file (expected the magic 89 41 52 54 0D 0A 1A 0A)");
  }
  const auto cut_short = [this](std::size_t expected) {
    fail(bytes.size(), fmt::format("the file ends within its header of {} bytes", expected));
  };
  if (!whole) cut_short(kFixed);
  HeaderProblem problem = decode_preamble(bytes, &layout.header_size);
  if (!problem.what.empty()) fail(problem.offset, problem.what);
  bytes.resize(layout.header_size);
  const std::size_t got = file.read(kFixed, std::span(bytes).subspan(kFixed));
  bytes.resize(kFixed + got);
  if (bytes.size() < layout.header_size) cut_short(layout.header_size);
  problem = decode_header(bytes, &header, &layout);
  if (!problem.what.empty()) fail(problem.offset, problem.what);
}

// Of the ordinary form: where the blocks end, and whether the file is as long as it should be.
void TraceReader::Impl::check_length() {
  if (file.size()) data_end = *file.size();
  if (!header.complete) {
    if (options.allow_truncated) return;
    fail(format::header::kStatus,
         "the trace was not finished by its writer (--allow-truncated uses what is whole)");
  }
  const std::uint64_t index_size = format::index::size(layout.block_count);
  if (layout.index_offset < layout.header_size || layout.index_offset > kUnknown - index_size) {
    fail(format::header::kIndexOffset,
         fmt::format("the index cannot be at byte {}", layout.index_offset));
  }
  data_end = std::min(data_end, layout.index_offset);
  const std::uint64_t expected = layout.index_offset + index_size;
  if (!file.size() || *file.size() == expected || options.allow_truncated) return;
  if (*file.size() > expected) {
    fail(expected, fmt::format("{} bytes follow the end of the trace (--allow-truncated ignores "
                               "them)",
                               *file.size() - expected));
  }
  fail(*file.size(), fmt::format("the file ends, expected {} bytes; it is cut short "
                                 "(--allow-truncated uses what is whole)",
                                 expected));
}

// Of the streamed form in a file: the counts are there to be known before the blocks are read.
void TraceReader::Impl::find_trailer() {
  if (!file.size()) return;
  constexpr std::size_t kEnd = format::trailer::kEndSize;
  const std::uint64_t size = *file.size();
  std::uint32_t trailer_size = 0;
  if (size >= layout.header_size + kEnd && read_at(size - kEnd, kEnd)) {
    trailer_size = trailer_size_at_end(bytes);
  }
  if (trailer_size != 0 && trailer_size <= size - layout.header_size &&
      read_at(size - trailer_size, trailer_size) && decode_trailer(bytes, &header).what.empty()) {
    data_end = size - trailer_size;
    return;
  }
  if (options.allow_truncated) return;
  fail(size,
       "the file does not end with the trailer of a streamed trace; it is cut short, or "
       "something follows (--allow-truncated uses what is whole)");
}

// Of the streamed form, when the blocks end at `offset` and `bytes` holds the fixed part. Ends the
// trace; returns false.
bool TraceReader::Impl::read_trailer(std::uint64_t offset) {
  constexpr std::size_t kFixed = format::trailer::kFixedSize;
  const std::uint32_t size = trailer_size_at_begin(bytes);
  if (size == 0) return damaged(offset, "the trailer has no size that it can have");
  bytes.resize(size);
  const std::size_t got = file.read(offset + kFixed, std::span(bytes).subspan(kFixed));
  if (got != size - kFixed) return damaged(offset + kFixed + got, "the trace ends in its trailer");
  const HeaderProblem problem = decode_trailer(bytes, &header);
  if (!problem.what.empty()) return damaged(offset + problem.offset, problem.what);
  if (!check_counts()) return false;
  ended = true;
  position.offset = offset + size;
  if (!read_at(offset + size, 1) || options.allow_truncated) return false;
  fail(offset + size, "something follows the end of the trace (--allow-truncated ignores it)");
}

// Ends the trace here, or throws. Returns false.
bool TraceReader::Impl::damaged(std::uint64_t offset, const std::string& what) {
  ended = true;
  if (options.allow_truncated) {
    truncation = fmt::format("{}: at byte {}: {}; the {} events before it are used", path, offset,
                             what, position.events);
    return false;
  }
  fail(offset, fmt::format("{}; the file is damaged (--allow-truncated uses the {} events before "
                           "it)",
                           what, position.events));
}

// What was read must be what the header, or the trailer, says.
bool TraceReader::Impl::check_counts() {
  const auto expect = [this](const char* what, std::uint64_t counted, std::uint64_t expected) {
    return counted == expected ||
           damaged(position.offset,
                   fmt::format("the blocks hold {} {}, expected {}", counted, what, expected));
  };
  if (!expect("events", position.events, header.event_count)) return false;
  if (position.objects_known && !expect("births", position.objects, header.object_count)) {
    return false;
  }
  if (threads <= header.thread_count) return true;
  return damaged(position.offset, fmt::format("thread {} in a trace of {} threads", threads - 1,
                                              header.thread_count));
}

// Of the ordinary form, from a stream: the index, which is not looked at, and the end.
void TraceReader::Impl::check_nothing_follows() {
  const std::uint64_t end = layout.index_offset + format::index::size(layout.block_count);
  if (file.size() || options.allow_truncated) return;
  if (!read_at(end - 1, 1)) fail(data_end, "the trace ends within its index; it is cut short");
  if (read_at(end, 1)) {
    fail(end, "something follows the end of the trace (--allow-truncated ignores it)");
  }
}

bool TraceReader::Impl::at_end() {
  if (ended) return true;
  if (position.offset != data_end) return false;
  if (!header.complete) return !damaged(position.offset, "the trace was not finished");
  if (!check_counts()) return true;
  if (header.has_sites && !sites_read) {
    return !damaged(position.offset, "the blocks end without the call sites");
  }
  check_nothing_follows();
  if (!file.size()) position.offset = data_end + format::index::size(layout.block_count);
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
  if (!read_at(frame_at, compressed_size)) {
    return damaged(frame_at + bytes.size(), "the trace ends within the call sites");
  }
  problem = decode_site_table(bytes, raw_size, &sites);
  if (!problem.empty()) return damaged(offset, problem);
  sites_read = true;
  position.offset = frame_at + compressed_size;
  BlockHead none;
  if (at_end() || !read_head(&none)) return false;
  return damaged(position.offset, "a block follows the call sites");
}

// Returns false if there is no further block.
bool TraceReader::Impl::read_head(BlockHead* head) {
  const std::uint64_t offset = position.offset;
  if (next_head) {
    *head = *next_head;
    return true;
  }
  if (data_end - offset < format::block::kHeadSize) {
    return damaged(data_end, "the blocks end within a block head");
  }
  if (!read_at(offset, format::block::kHeadSize)) {
    return damaged(offset + bytes.size(), header.streamed
                                              ? "the trace ends without its trailer; its writer "
                                                "died or the pipe was cut"
                                              : "the blocks end within a block head");
  }
  if (header.streamed &&
      std::memcmp(bytes.data(), format::kTrailerMagic.data(), format::kTrailerMagic.size()) == 0)
    return read_trailer(offset);
  if (header.has_sites && !sites_read &&
      std::memcmp(bytes.data(), format::kSitesMagic.data(), format::kSitesMagic.size()) == 0)
    return read_sites();
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
  next_head = *head;
  return true;
}

std::span<const Event> TraceReader::Impl::next_block() {
  BlockHead head;
  if (at_end() || !read_head(&head)) return {};
  const std::uint64_t offset = position.offset;
  if (!read_at(offset + format::block::kHeadSize, head.compressed_size)) {
    damaged(offset + format::block::kHeadSize + bytes.size(), "the blocks end within a block");
    return {};
  }
  std::string problem = decoder->decode(head, bytes);
  if (problem.empty() && header.complete && decoder->threads() > header.thread_count) {
    problem = fmt::format("thread {} in a trace of {} threads", decoder->threads() - 1,
                          header.thread_count);
  }
  if (!problem.empty()) {
    damaged(offset, problem);
    return {};
  }
  next_head.reset();
  threads = std::max(threads, decoder->threads());
  position = {.offset = offset + format::block::kHeadSize + head.compressed_size,
              .events = head.first_event + head.event_count,
              .objects = head.objects_before + decoder->births(),
              .time = decoder->events().back().time_ns / header.time_unit_ns,
              .objects_known = true};
  return decoder->events();
}

void TraceReader::Impl::skip_block(const BlockHead& head) {
  next_head.reset();
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
  if (!header.complete || header.streamed || file.size() != layout.index_offset + size) {
    return false;
  }
  if (!read_at(layout.index_offset, size) || !parse_index()) {
    index.clear();
    if (options.allow_truncated) return false;
    fail(layout.index_offset, "the index is damaged (--allow-truncated does without)");
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
  if (!file.size()) {
    if (wanted < position.events) {
      throw Error(fmt::format("{}: cannot go back to event {} in a stream", path, wanted));
    }
  } else {
    ended = false;
    sites_read = false;
    truncation.clear();
    next_head.reset();
    position = {.offset = layout.header_size};
  }
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
std::uint64_t TraceReader::events_read() const { return impl_->position.events; }
std::uint64_t TraceReader::bytes_read() const { return impl_->position.offset; }
std::optional<std::uint64_t> TraceReader::bytes_total() const { return impl_->file.size(); }
bool TraceReader::truncated() const { return !impl_->truncation.empty(); }
const std::string& TraceReader::truncation() const { return impl_->truncation; }

}  // namespace replay
