// What an importer reads: lines or bytes of an input, with the place of each for messages.
//
// Not thread-safe. Streams: memory is a buffer of 128 KiB, or the longest line. Offsets are those
// of the decompressed bytes, and messages say so where the file is compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "replay/trace/importers/byte_stream.h"

namespace replay {

class Source {
 public:
  // A longer line is an error. Provenance, the longest line of any format, has 16 MiB at most.
  static constexpr std::size_t kMaxLineBytes = (std::size_t{1} << 24) + 4096;
  static constexpr std::size_t kHeadBytes = std::size_t{1} << 16;

  explicit Source(const std::string& path);  // "-" is stdin; throws Error
  Source(const std::string& name, std::unique_ptr<ByteStream> bytes);

  // As messages name it: the path, or "standard input".
  const std::string& name() const { return name_; }

  // The first kHeadBytes, fewer only where there are no more; nothing of it counts as read. Valid
  // until the next call of another method. pre: nothing was read yet.
  std::string_view head();

  // The next line without its end ("\n" or "\r\n"); false at the end. A last line without "\n"
  // counts. The line is valid until the next call that reads.
  bool next_line(std::string_view* line);

  // All that was read of the input so far, for who goes on in another way. pre: only head() was
  // called.
  const std::string& buffered() const { return buffer_; }
  bool decompresses() const { return bytes_->decompresses(); }

  bool at_end();
  // The next `size` bytes, valid until the next call that reads. Fails if there are fewer, saying
  // that the input ends within `what`. pre: size <= kMaxLineBytes.
  std::string_view take(std::size_t size, std::string_view what);
  // All that is left, in memory. Fails beyond `limit` bytes.
  std::string take_rest(std::size_t limit);

  std::uint64_t offset() const { return base_ + begin_; }  // of the next byte
  // True if the last line that was read had no "\n": the file may be cut short.
  bool line_was_cut() const { return line_was_cut_; }
  double share() const { return bytes_->share(); }

  // Throw Error: name, line number if lines are read, offset, what. The first is for what was read
  // last: the last line or take().
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view what) const;

 private:
  bool fill();  // reads more; false at the end

  std::string name_;
  std::unique_ptr<ByteStream> bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;   // of what is not read yet
  std::uint64_t base_ = 0;  // offset of buffer_[0]
  bool ended_ = false;
  bool line_was_cut_ = false;
  std::uint64_t lines_ = 0;
  std::uint64_t last_ = 0;  // offset of what was read last
};

}  // namespace replay
