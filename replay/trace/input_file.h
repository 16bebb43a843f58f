// The bytes of a file, by offset. A regular file is read anywhere; a pipe, a socket or a terminal
// only forwards, and says how long it is by ending.
//
// The path "-" is standard input, taken from where it stands. Throws Error. Not thread-safe.
// Memory: none that grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace replay {

class InputFile {
 public:
  // `already_read`: the first bytes of a stream, if they were read before to see what it is.
  explicit InputFile(const std::string& path, const std::string& already_read = {});
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // As messages name it: the path, or "standard input".
  const std::string& name() const { return name_; }
  // Nothing for a stream.
  std::optional<std::uint64_t> size() const { return size_; }

  // Fills `to` with the bytes from `offset` on; returns how many there were, less than asked for
  // only at the end. pre: of a stream, offset is not before the end of the read before.
  std::size_t read(std::uint64_t offset, std::span<unsigned char> to);

  // Throws an Error that names the file and the byte.
  [[noreturn]] void fail_at(std::uint64_t offset, const std::string& what) const;

 private:
  ssize_t read_some(std::uint64_t offset, std::span<unsigned char> to);
  void skip_to(std::uint64_t offset);

  std::string name_;
  int fd_ = -1;
  std::optional<std::uint64_t> size_;
  std::uint64_t position_ = 0;  // of a stream: bytes consumed
  std::string already_read_;
};

}  // namespace replay
