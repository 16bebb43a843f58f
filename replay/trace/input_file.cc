#include "replay/trace/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "replay/trace/error.h"

namespace replay {
namespace {

// A writer that is ahead fills the pipe meanwhile; the default of 64 KiB is less than a block.
constexpr int kPipeBytes = 1 << 20;

std::string name_of(const std::string& path) { return path == "-" ? "standard input" : path; }

int open_input(const std::string& path) {
  if (path == "-") return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  return open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

InputFile::InputFile(const std::string& path, const std::string& already_read)
    : name_(name_of(path)), fd_(open_input(path)), already_read_(already_read) {
  if (fd_ < 0) throw system_error(name_ + ": cannot open");
  struct stat info {};
  std::string problem;
  if (fstat(fd_, &info) != 0) {
    problem = std::strerror(errno);
  } else if (S_ISDIR(info.st_mode)) {
    problem = "is a directory, expected a file";
  } else if (isatty(fd_) == 1) {
    problem = "is a terminal, expected a file or a pipe";
  } else if (S_ISREG(info.st_mode) && lseek(fd_, 0, SEEK_CUR) == 0) {
    size_ = static_cast<std::uint64_t>(info.st_size);
  } else if (S_ISFIFO(info.st_mode)) {
    fcntl(fd_, F_SETPIPE_SZ, kPipeBytes);  // only speed depends on it
  }
  if (problem.empty()) return;
  close(fd_);
  throw Error(fmt::format("{}: {}", name_, problem));
}

InputFile::~InputFile() { close(fd_); }

ssize_t InputFile::read_some(std::uint64_t offset, std::span<unsigned char> to) {
  if (!size_ && offset < already_read_.size()) {
    return static_cast<ssize_t>(
        already_read_.copy(reinterpret_cast<char*>(to.data()), to.size(), offset));
  }
  ssize_t got = -1;
  do {
    got = size_ ? pread(fd_, to.data(), to.size(), static_cast<off_t>(offset))
                : ::read(fd_, to.data(), to.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail_at(offset, fmt::format("cannot read: {}", std::strerror(errno)));
  return got;
}

void InputFile::skip_to(std::uint64_t offset) {
  std::array<unsigned char, 1 << 16> waste;
  while (position_ < offset) {
    const std::size_t length = std::min<std::uint64_t>(waste.size(), offset - position_);
    const ssize_t got = read_some(position_, std::span(waste).first(length));
    if (got == 0) return;
    position_ += static_cast<std::uint64_t>(got);
  }
}

std::size_t InputFile::read(std::uint64_t offset, std::span<unsigned char> to) {
  if (!size_) {
    skip_to(offset);
    if (position_ != offset) return 0;
  }
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = read_some(offset + done, to.subspan(done));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  position_ += done;
  return done;
}

void InputFile::fail_at(std::uint64_t offset, const std::string& what) const {
  throw Error(fmt::format("{}: at byte {}: {}", name_, offset, what));
}

}  // namespace replay
