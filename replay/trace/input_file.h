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
  explicit InputFile(const std::string& path);
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

 private:
  ssize_t read_some(std::uint64_t offset, std::span<unsigned char> to);
  void skip_to(std::uint64_t offset);

  std::string name_;
  int fd_ = -1;
  std::optional<std::uint64_t> size_;
  std::uint64_t position_ = 0;  // of a stream: bytes consumed
};

}  // namespace replay
