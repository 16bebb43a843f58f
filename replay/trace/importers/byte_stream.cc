#include "replay/trace/importers/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "replay/trace/error.h"
#include "replay/trace/importers/decompress.h"

namespace replay {
namespace {

constexpr std::string_view kGzipMagic{"\x1f\x8b", 2};
constexpr std::string_view kZstdMagic{"\x28\xb5\x2f\xfd", 4};
constexpr std::string_view kZipMagic{"PK\x03\x04", 4};
constexpr std::size_t kMagicBytes = 4;

class FileStream final : public ByteStream {
 public:
  explicit FileStream(const std::string& path) : path_(path) {
    fd_ = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                      : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw system_error(path + ": cannot open");
    struct stat info {};
    if (fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) {
      size_ = static_cast<std::uint64_t>(info.st_size);
    }
  }
  ~FileStream() override { close(fd_); }

  // The first bytes, fewer only where the file is shorter; read() gives them again.
  std::string_view peek_magic() {
    while (peeked_.size() < kMagicBytes) {
      char bytes[kMagicBytes];
      const std::size_t got = read_fd(bytes, kMagicBytes - peeked_.size());
      if (got == 0) break;
      peeked_.append(bytes, got);
    }
    return peeked_;
  }

  std::size_t read(char* to, std::size_t size) override {
    std::size_t got = std::min(size, peeked_.size());
    if (got != 0) {
      peeked_.copy(to, got);
      peeked_.erase(0, got);
    } else {
      got = read_fd(to, size);
    }
    done_ += got;
    return got;
  }
  double share() const override {
    return size_ == 0 ? 0 : static_cast<double>(done_) / static_cast<double>(size_);
  }
  bool decompresses() const override { return false; }

 private:
  std::size_t read_fd(char* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd_, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      throw system_error(fmt::format("{}: at byte {}: cannot read", path_, done_));
    }
  }

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;  // 0: not known
  std::uint64_t done_ = 0;
  std::string peeked_;
};

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::string& path) {
  auto file = std::make_unique<FileStream>(path);
  const std::string_view magic = file->peek_magic();
  if (magic == kZipMagic) {
    if (path == "-")
      throw Error("standard input: a zip archive is read from its end, so not from a pipe");
    return unzip(path);
  }
  if (magic == kZstdMagic) return unzstd(path, std::move(file));
  if (magic.starts_with(kGzipMagic)) return gunzip(path, std::move(file));
  return file;
}

}  // namespace replay
