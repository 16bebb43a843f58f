// Bytes as a reader of a pipe meets them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <thread>

namespace replay::test {

// A pipe with `bytes` in it and the end after them; path() opens it for reading, once.
class PipeOf {
 public:
  explicit PipeOf(const std::string& bytes) {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    writer_ = std::thread([fd = ends_[1], bytes] {
      const char* from = bytes.data();
      for (std::size_t left = bytes.size(); left > 0;) {
        const ssize_t written = write(fd, from, left);
        if (written <= 0) break;  // the reader is gone
        from += written;
        left -= static_cast<std::size_t>(written);
      }
      close(fd);
    });
  }
  ~PipeOf() {
    std::array<char, 65536> waste;  // so that the writer ends
    while (read(ends_[0], waste.data(), waste.size()) > 0) {
    }
    writer_.join();
    close(ends_[0]);
  }
  PipeOf(const PipeOf&) = delete;
  PipeOf& operator=(const PipeOf&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(ends_[0]); }

 private:
  std::array<int, 2> ends_{};
  std::thread writer_;
};

}  // namespace replay::test
