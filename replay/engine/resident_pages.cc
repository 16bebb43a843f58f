#include "replay/engine/resident_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace replay {
namespace {

constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;  // or shared

std::uint64_t hex_at(const char*& text) {
  std::uint64_t value = 0;
  for (;; ++text) {
    const char c = *text;
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value * 16 + static_cast<std::uint64_t>(c - 'a' + 10);
    } else {
      return value;
    }
  }
}

class PageMap {
 public:
  PageMap(PageRun* runs, std::size_t capacity)
      : runs_(runs),
        capacity_(capacity),
        page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
        fd_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~PageMap() {
    if (fd_ >= 0) ::close(fd_);
  }
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;

  // "from-to rwxp ...": a line of /proc/self/maps.
  void take_mapping(const char* line) {
    const std::uint64_t from = hex_at(line);
    if (*line++ != '-') return;
    const std::uint64_t to = hex_at(line);
    if (std::strlen(line) < 5 || line[4] != 'p') return;
    constexpr std::uint64_t kAtOnce = 512;
    std::uint64_t entries[kAtOnce];
    for (std::uint64_t at = from; at < to; at += kAtOnce * page_bytes_) {
      const ssize_t got = ::pread(fd_, entries, sizeof(entries),
                                  static_cast<off_t>(at / page_bytes_ * sizeof(entries[0])));
      const std::uint64_t count =
          got > 0 ? static_cast<std::uint64_t>(got) / sizeof(entries[0]) : 0;
      for (std::uint64_t i = 0; i < count && at + i * page_bytes_ < to; ++i) {
        const bool is_anonymous = (entries[i] & (kPresent | kOfFile)) == kPresent;
        if (is_anonymous) take_page(at + i * page_bytes_);
      }
    }
  }

  std::size_t count() const { return count_; }

 private:
  void take_page(std::uint64_t address) {
    if (count_ > 0 && address == end_) {
      if (count_ <= capacity_) ++runs_[count_ - 1].pages;
    } else {
      if (count_ < capacity_) runs_[count_] = {address, 1};
      ++count_;
    }
    end_ = address + page_bytes_;
  }

  PageRun* runs_;
  std::size_t capacity_;
  std::uint64_t page_bytes_;
  int fd_;
  std::size_t count_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace

std::size_t find_resident_pages(PageRun* runs, std::size_t capacity) {
  const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return 0;
  PageMap pages(runs, capacity);
  char text[8192];
  std::size_t held = 0;  // of a line that has not ended yet
  for (;;) {
    const ssize_t got = ::read(maps, text + held, sizeof(text) - 1 - held);
    if (got <= 0) break;
    const std::size_t length = held + static_cast<std::size_t>(got);
    text[length] = '\0';
    char* line = text;
    while (char* end = std::strchr(line, '\n')) {
      *end = '\0';
      pages.take_mapping(line);
      line = end + 1;
    }
    held = length - static_cast<std::size_t>(line - text);
    std::memmove(text, line, held);
  }
  ::close(maps);
  return pages.count();
}

}  // namespace replay
