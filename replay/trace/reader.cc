#include "replay/trace/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "replay/trace/block_decoder.h"
#include "replay/trace/block_index.h"
#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/header_codec.h"
#include "replay/trace/input_file.h"
#include "replay/trace/trace_start.h"
#include "replay/trace/trailer_codec.h"

namespace replay {
namespace {

using Decode = std::string (BlockDecoder::*)(const BlockHead&, std::span<const unsigned char>);

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
  Impl(const std::string& path, ReadOptions options_in)
      : options(std::move(options_in)),
        file(path, options.already_read),
        start(read_start(file, options.allow_truncated)),
        decoder(header.time_unit_ns, features_of(header)) {
    position.offset = layout.header_size;
  }

  bool read_at(std::uint64_t offset, std::size_t length);
  bool read_trailer(std::uint64_t offset);
  bool check_counts();
  bool check_sites();
  void check_nothing_follows();
  bool read_head(BlockHead* head);
  bool read_sites();
  bool at_end();
  void skip_block(const BlockHead& head);
  bool load_index();
  bool damaged(std::uint64_t offset, const std::string& what);
  bool read_block(BlockHead* head, Decode decode);
  std::span<const Event> next_block();
  std::span<const ThreadRun> next_threads();
  std::uint64_t seek(std::uint64_t index);

  ReadOptions options;
  InputFile file;
  TraceStart start;
  TraceHeader& header = start.header;
  const FileLayout& layout = start.layout;
  const std::uint64_t data_end = start.data_end;
  BlockDecoder decoder;
  Position position;
  std::optional<BlockHead> next_head;  // of the block at `position`, if it was read
  std::uint32_t threads = 0;           // the greatest number of those read, plus 1
  bool ended = false;
  bool index_tried = false;
  BlockIndex index;
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
  if (!check_counts() || !check_sites()) return false;
  ended = true;
  position.offset = offset + size;
  if (!read_at(offset + size, 1) || options.allow_truncated) return false;
  file.fail_at(offset + size,
               "something follows the end of the trace (--allow-truncated ignores it)");
}

// Ends the trace here, or throws. Returns false.
bool TraceReader::Impl::damaged(std::uint64_t offset, const std::string& what) {
  ended = true;
  if (options.allow_truncated) {
    truncation = fmt::format("{}: at byte {}: {}; the {} events before it are used", file.name(),
                             offset, what, position.events);
    return false;
  }
  file.fail_at(offset,
               fmt::format("{}; the file is damaged (--allow-truncated uses the {} events before "
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

bool TraceReader::Impl::check_sites() {
  return !header.has_sites || sites_read ||
         damaged(position.offset, "the blocks end without the call sites");
}

// Of the ordinary form, from a stream: the index, which is not looked at, and the end.
void TraceReader::Impl::check_nothing_follows() {
  const std::uint64_t end = layout.index_offset + format::index::size(layout.block_count);
  if (file.size() || options.allow_truncated) return;
  if (!read_at(end - 1, 1))
    file.fail_at(data_end, "the trace ends within its index; it is cut short");
  if (read_at(end, 1)) {
    file.fail_at(end, "something follows the end of the trace (--allow-truncated ignores it)");
  }
}

bool TraceReader::Impl::at_end() {
  if (ended) return true;
  if (position.offset != data_end) return false;
  if (!header.complete) return !damaged(position.offset, "the trace was not finished");
  if (!check_counts() || !check_sites()) return true;
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

// Returns false if there is no further block.
bool TraceReader::Impl::read_block(BlockHead* head, Decode decode) {
  if (at_end() || !read_head(head)) return false;
  const std::uint64_t offset = position.offset;
  if (!read_at(offset + format::block::kHeadSize, head->compressed_size)) {
    return damaged(offset + format::block::kHeadSize + bytes.size(),
                   "the blocks end within a block");
  }
  std::string problem = (decoder.*decode)(*head, bytes);
  if (problem.empty() && header.complete && decoder.threads() > header.thread_count) {
    problem = fmt::format("thread {} in a trace of {} threads", decoder.threads() - 1,
                          header.thread_count);
  }
  if (!problem.empty()) return damaged(offset, problem);
  threads = std::max(threads, decoder.threads());
  return true;
}

std::span<const Event> TraceReader::Impl::next_block() {
  BlockHead head;
  if (!read_block(&head, &BlockDecoder::decode)) return {};
  next_head.reset();
  position = {.offset = position.offset + format::block::kHeadSize + head.compressed_size,
              .events = head.first_event + head.event_count,
              .objects = head.objects_before + decoder.births(),
              .time = decoder.events().back().time_ns / header.time_unit_ns,
              .objects_known = true};
  return decoder.events();
}

std::span<const ThreadRun> TraceReader::Impl::next_threads() {
  BlockHead head;
  if (!read_block(&head, &BlockDecoder::decode_threads)) return {};
  skip_block(head);
  return decoder.thread_runs();
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
  if (read_at(layout.index_offset, size)) {
    if (auto read = decode_index(bytes, layout, data_end)) {
      index = std::move(*read);
      return !index.empty();
    }
  }
  if (options.allow_truncated) return false;
  file.fail_at(layout.index_offset, "the index is damaged (--allow-truncated does without)");
}

std::uint64_t TraceReader::Impl::seek(std::uint64_t wanted) {
  if (!file.size()) {
    if (wanted < position.events) {
      throw Error(fmt::format("{}: cannot go back to event {} in a stream", file.name(), wanted));
    }
  } else {
    ended = false;
    sites_read = false;
    truncation.clear();
    next_head.reset();
    position = {.offset = layout.header_size};
  }
  const IndexEntry* entry = load_index() ? find_block(index, wanted) : nullptr;
  if (entry != nullptr) {
    position = {.offset = entry->offset,
                .events = entry->first_event,
                .objects_known = entry->offset == layout.header_size};
  }
  BlockHead head;
  while (!at_end() && read_head(&head)) {
    if (wanted - head.first_event < head.event_count) return head.first_event;
    skip_block(head);
  }
  return position.events;
}

TraceReader::TraceReader(const std::string& path, ReadOptions options)
    : impl_(std::make_unique<Impl>(path, std::move(options))) {}
TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

const TraceHeader& TraceReader::header() const { return impl_->header; }
const std::string& TraceReader::path() const { return impl_->file.name(); }
std::span<const Event> TraceReader::next_block() { return impl_->next_block(); }
std::span<const ThreadRun> TraceReader::next_threads() { return impl_->next_threads(); }
std::uint64_t TraceReader::seek(std::uint64_t index) { return impl_->seek(index); }
const SiteTable& TraceReader::sites() const { return impl_->sites; }
std::uint64_t TraceReader::events_read() const { return impl_->position.events; }
std::uint64_t TraceReader::bytes_read() const { return impl_->position.offset; }
std::optional<std::uint64_t> TraceReader::bytes_total() const { return impl_->file.size(); }
bool TraceReader::truncated() const { return !impl_->truncation.empty(); }
const std::string& TraceReader::truncation() const { return impl_->truncation; }

}  // namespace replay
