#include "replay/trace/importers/source.h"

#include <fmt/format.h>

#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;

}  // namespace

Source::Source(const std::string& path)
    : Source(path == "-" ? "standard input" : path, open_byte_stream(path)) {}

Source::Source(const std::string& name, std::unique_ptr<ByteStream> bytes)
    : name_(name), bytes_(std::move(bytes)) {}

bool Source::fill() {
  if (ended_) return false;
  if (begin_ != 0) {
    buffer_.erase(0, begin_);
    base_ += begin_;
    begin_ = 0;
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kChunkBytes);
  const std::size_t got = bytes_->read(buffer_.data() + before, kChunkBytes);
  buffer_.resize(before + got);
  ended_ = got == 0;
  return !ended_;
}

std::string_view Source::head() {
  while (buffer_.size() < kHeadBytes && fill()) {
  }
  return std::string_view(buffer_).substr(0, kHeadBytes);
}

bool Source::next_line(std::string_view* line) {
  std::size_t searched = 0;  // of what begins at begin_
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_ + searched);
    if (end != std::string::npos) {
      *line = std::string_view(buffer_).substr(begin_, end - begin_);
      break;
    }
    searched = buffer_.size() - begin_;
    if (searched > kMaxLineBytes) {
      ++lines_;
      fail_at(offset(), fmt::format("a line of more than {} bytes", kMaxLineBytes));
    }
    if (fill()) continue;
    if (searched == 0) return false;
    *line = std::string_view(buffer_).substr(begin_);
    break;
  }
  last_ = offset();
  ++lines_;
  begin_ += line->size();
  line_was_cut_ = begin_ == buffer_.size();
  if (!line_was_cut_) ++begin_;
  if (line->ends_with('\r')) line->remove_suffix(1);
  return true;
}

bool Source::at_end() { return begin_ == buffer_.size() && !fill(); }

std::string_view Source::take(std::size_t size, std::string_view what) {
  while (buffer_.size() - begin_ < size) {
    if (fill()) continue;
    fail_at(base_ + buffer_.size(), fmt::format("the input ends within {}", what));
  }
  last_ = offset();
  const std::string_view taken = std::string_view(buffer_).substr(begin_, size);
  begin_ += size;
  return taken;
}

std::string Source::take_rest(std::size_t limit) {
  while (buffer_.size() - begin_ <= limit && fill()) {
  }
  if (buffer_.size() - begin_ > limit) {
    fail_at(offset(), fmt::format("more than {} bytes follow, which this format's importer must "
                                  "hold in memory",
                                  limit));
  }
  last_ = offset();
  std::string rest = buffer_.substr(begin_);
  begin_ = buffer_.size();
  return rest;
}

void Source::fail(std::string_view what) const { fail_at(last_, what); }

void Source::fail_at(std::uint64_t offset, std::string_view what) const {
  const std::string line = lines_ == 0 ? "" : fmt::format("line {}, ", lines_);
  throw Error(fmt::format("{}: {}at byte {}{}: {}", name_, line, offset,
                          bytes_->decompresses() ? " (decompressed)" : "", what));
}

}  // namespace replay
