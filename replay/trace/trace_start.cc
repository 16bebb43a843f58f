#include "replay/trace/trace_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/trailer_codec.h"

namespace replay {
namespace {

using Bytes = std::vector<unsigned char>;

// What is there of `length` bytes.
Bytes read_bytes(InputFile& file, std::uint64_t offset, std::size_t length) {
  Bytes bytes(length);
  bytes.resize(file.read(offset, bytes));
  return bytes;
}

void read_header(InputFile& file, TraceStart* start) {
  constexpr std::size_t kFixed = format::header::kFixedSize;
  Bytes bytes = read_bytes(file, 0, kFixed);
  if (bytes.empty()) throw Error(file.name() + ": the file is empty, expected a trace");
  const std::size_t magic = std::min(bytes.size(), format::kFileMagic.size());
  if (std::memcmp(bytes.data(), format::kFileMagic.data(), magic) != 0) {
    file.fail_at(0, "not a trace file (expected the magic 89 41 52 54 0D 0A 1A 0A)");
  }
  const auto cut_short = [&](std::size_t expected) {
    file.fail_at(bytes.size(),
                 fmt::format("the file ends within its header of {} bytes", expected));
  };
  if (bytes.size() < kFixed) cut_short(kFixed);
  FileLayout& layout = start->layout;
  HeaderProblem problem = decode_preamble(bytes, &layout.header_size);
  if (!problem.what.empty()) file.fail_at(problem.offset, problem.what);
  bytes.resize(layout.header_size);
  bytes.resize(kFixed + file.read(kFixed, std::span(bytes).subspan(kFixed)));
  if (bytes.size() < layout.header_size) cut_short(layout.header_size);
  problem = decode_header(bytes, &start->header, &layout);
  if (!problem.what.empty()) file.fail_at(problem.offset, problem.what);
}

// Of the ordinary form: where the blocks end, and whether the file is as long as it should be.
void check_length(const InputFile& file, bool allow_truncated, TraceStart* start) {
  const FileLayout& layout = start->layout;
  if (file.size()) start->data_end = *file.size();
  if (!start->header.complete) {
    if (allow_truncated) return;
    file.fail_at(format::header::kStatus,
                 "the trace was not finished by its writer (--allow-truncated uses what is whole)");
  }
  const std::uint64_t index_size = format::index::size(layout.block_count);
  if (layout.index_offset < layout.header_size ||
      layout.index_offset > std::numeric_limits<std::uint64_t>::max() - index_size) {
    file.fail_at(format::header::kIndexOffset,
                 fmt::format("the index cannot be at byte {}", layout.index_offset));
  }
  start->data_end = std::min(start->data_end, layout.index_offset);
  const std::uint64_t expected = layout.index_offset + index_size;
  if (!file.size() || *file.size() == expected || allow_truncated) return;
  if (*file.size() > expected) {
    file.fail_at(expected, fmt::format("{} bytes follow the end of the trace (--allow-truncated "
                                       "ignores them)",
                                       *file.size() - expected));
  }
  file.fail_at(*file.size(), fmt::format("the file ends, expected {} bytes; it is cut short "
                                         "(--allow-truncated uses what is whole)",
                                         expected));
}

// Of the streamed form in a file: the counts are there to be known before the blocks are read.
void find_trailer(InputFile& file, bool allow_truncated, TraceStart* start) {
  if (!file.size()) return;
  constexpr std::size_t kEnd = format::trailer::kEndSize;
  const std::uint64_t size = *file.size();
  const std::uint64_t after_header =
      size - std::min<std::uint64_t>(size, start->layout.header_size);
  std::uint32_t trailer_size = 0;
  if (after_header >= kEnd) {
    const Bytes end = read_bytes(file, size - kEnd, kEnd);
    if (end.size() == kEnd) trailer_size = trailer_size_at_end(end);
  }
  if (trailer_size != 0 && trailer_size <= after_header) {
    const Bytes trailer = read_bytes(file, size - trailer_size, trailer_size);
    if (trailer.size() == trailer_size && decode_trailer(trailer, &start->header).what.empty()) {
      start->data_end = size - trailer_size;
      return;
    }
  }
  if (allow_truncated) return;
  file.fail_at(size,
               "the file does not end with the trailer of a streamed trace; it is cut short, or "
               "something follows (--allow-truncated uses what is whole)");
}

}  // namespace

TraceStart read_start(InputFile& file, bool allow_truncated) {
  TraceStart start;
  read_header(file, &start);
  if (start.header.streamed) {
    find_trailer(file, allow_truncated, &start);
  } else {
    check_length(file, allow_truncated, &start);
  }
  return start;
}

}  // namespace replay
