// The bytes of a file or of stdin, decompressed on the way where they are gzip, zstd, or a zip
// archive with one file in it. Which of them it is, the content says.
//
// Not thread-safe. Memory is bounded whatever the input: a buffer, and zstd's window of 128 MiB at
// most. What decompresses to more than kMaxExpansion allows is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace replay {

class ByteStream {
 public:
  ByteStream() = default;
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Reads 1 to `size` bytes; 0 at the end. Throws Error. pre: size > 0.
  virtual std::size_t read(char* to, std::size_t size) = 0;
  // How much of the input has been read, 0 to 1; 0 where its length is not known.
  virtual double share() const = 0;
  // True if what is read is not byte for byte what the file holds.
  virtual bool decompresses() const = 0;
};

// A compressed input may give so many bytes for each of its own, beyond the first kFreeBytes.
// Real recordings stay well below; gzip can give 1000 at most, zstd has no limit of its own.
inline constexpr std::uint64_t kMaxExpansion = 250;
inline constexpr std::uint64_t kFreeBytes = std::uint64_t{64} << 20;

// "-" is stdin (which cannot be a zip archive: those are read from their end). Throws Error.
std::unique_ptr<ByteStream> open_byte_stream(const std::string& path);

}  // namespace replay
