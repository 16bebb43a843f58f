#include "replay/trace/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;
// A reader that is behind finds the pipe full of work; the default is 64 KiB. Only speed depends on
// it, so a refusal is nothing.
constexpr int kOutputPipeBytes = 1 << 20;
constexpr mode_t kMode = 0666;  // less the umask
constexpr int kNameAttempts = 100;

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string temporary_name(const std::string& target, int attempt) {
  return fmt::format("{}.{}-{}.tmp", target, getpid(), attempt);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path), target_(path) {
  struct stat info {};
  if (path == "-") {
    path_ = "standard output";
    direct_ = true;
    fd_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd_ < 0) fail("write", errno);
    fcntl(fd_, F_SETPIPE_SZ, kOutputPipeBytes);
    return;
  }
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) fail("open", EISDIR);
    std::error_code ignored;
    const auto resolved = std::filesystem::canonical(path, ignored);
    if (!ignored) target_ = resolved.string();
    direct_ = !S_ISREG(info.st_mode);
  }
  if (direct_) {
    fd_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    open_temporary();
  }
  if (fd_ < 0) fail("create", errno);
}

void OutputFile::open_temporary() {
  fd_ = open(folder_of(target_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kMode);
  if (fd_ >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return;
  for (int attempt = 0; fd_ < 0 && attempt < kNameAttempts; ++attempt) {
    temporary_ = temporary_name(target_, attempt);
    fd_ = open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kMode);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) temporary_.clear();
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::fail(const char* doing, int error) const {
  const char* hint = "";
  if (error == ENOSPC || error == EDQUOT) hint = "; free some space or write elsewhere";
  if (error == ENOENT) hint = "; does its folder exist?";
  throw Error(fmt::format("{}: cannot {}: {}{}", path_, doing, std::strerror(error), hint));
}

void OutputFile::write_at(std::uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = direct_
                                ? write(fd_, data.data(), data.size())
                                : pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", errno);
    data.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void OutputFile::flush() {
  write_at(size_ - buffer_.size(), buffer_);
  buffer_.clear();
}

void OutputFile::append(std::string_view data) {
  buffer_ += data;
  size_ += data.size();
  if (buffer_.size() >= kBufferBytes) flush();
}

void OutputFile::overwrite(std::uint64_t offset, std::string_view data) {
  flush();
  if (direct_) fail("rewrite the header of what is not a regular file", ESPIPE);
  write_at(offset, data);
}

void OutputFile::open_gap(std::uint64_t offset, std::uint64_t distance) {
  flush();
  if (direct_) fail("move the contents of what is not a regular file", ESPIPE);
  std::vector<char> chunk(1 << 20);
  for (std::uint64_t end = size_; end > offset;) {
    const std::uint64_t length = std::min<std::uint64_t>(chunk.size(), end - offset);
    end -= length;
    for (std::uint64_t done = 0; done < length;) {
      const ssize_t got =
          pread(fd_, chunk.data() + done, length - done, static_cast<off_t>(end + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail("read back", got < 0 ? errno : EIO);
      done += static_cast<std::uint64_t>(got);
    }
    write_at(end + distance, {chunk.data(), length});
  }
  size_ += distance;
}

void OutputFile::commit() {
  flush();
  if (!direct_ && temporary_.empty()) {
    // linkat cannot replace a file, rename can; the name in between lives for a moment only.
    const std::string self = fmt::format("/proc/self/fd/{}", fd_);
    for (int attempt = 0;; ++attempt) {
      const std::string name = temporary_name(target_, attempt);
      if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
        temporary_ = name;
        break;
      }
      if (errno != EEXIST || attempt == kNameAttempts) fail("give the file its name", errno);
    }
  }
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0) fail("write", errno);
  if (!direct_ && std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail("give the file its name", errno);
  }
  temporary_.clear();
}

}  // namespace replay
