// A file that appears under its name only when it is whole. Until commit() it has no name at all
// (O_TMPFILE), so neither an error nor Ctrl-C nor SIGKILL leaves anything behind. Where the file
// system cannot do that, it has a temporary name beside the target, which the destructor removes
// (a killed process then leaves "NAME.XXXXXX.tmp"). Does not guard against loss of power.
//
// A target that exists and is not a regular file (/dev/stdout, a FIFO) is a stream, written
// directly; so is standard output under the path "-". Throws Error. Not thread-safe. Writes are
// buffered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace replay {

class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // As messages name it: the path, or "standard output".
  const std::string& name() const { return path_; }
  // True if it can be neither overwritten nor taken back.
  bool is_stream() const { return direct_; }

  void append(std::string_view data);
  // Overwrites what was appended before. pre: offset + data.size() <= size().
  void overwrite(std::uint64_t offset, std::string_view data);
  // Moves all from `offset` on by `distance` bytes. O(size).
  void open_gap(std::uint64_t offset, std::uint64_t distance);
  std::uint64_t size() const { return size_; }

  // Gives the file its name, in place of whatever had it. The last call.
  void commit();

 private:
  void open_temporary();
  void write_at(std::uint64_t offset, std::string_view data);
  void flush();
  [[noreturn]] void fail(const char* doing, int error) const;

  std::string path_;       // as the user gave it, for messages
  std::string target_;     // symbolic links resolved
  std::string temporary_;  // empty: none
  int fd_ = -1;
  bool direct_ = false;
  std::uint64_t size_ = 0;
  std::string buffer_;  // the end of the file, not written yet
};

}  // namespace replay
