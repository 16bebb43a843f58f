#include "replay/engine/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace replay {
namespace {

constexpr std::uint64_t kKiB = 1024;

// The file's text in `buffer`, terminated; empty if it cannot be read.
template <std::size_t kSize>
void read_text(const char* path, char (&buffer)[kSize]) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = 0;
  if (fd >= 0) {
    length = ::read(fd, buffer, kSize - 1);
    ::close(fd);
  }
  buffer[length > 0 ? length : 0] = '\0';
}

std::uint64_t number_at(const char* text) {
  while (*text == ' ' || *text == '\t') ++text;
  std::uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    value = value * 10 + static_cast<std::uint64_t>(*text - '0');
  }
  return value;
}

// The number behind `key` in lines of "Key:   number kB", in bytes.
std::uint64_t bytes_of(const char* text, const char* key) {
  const char* at = std::strstr(text, key);
  return at == nullptr ? 0 : number_at(at + std::strlen(key)) * kKiB;
}

}  // namespace

MemorySample sample_memory() {
  char text[4096];
  read_text("/proc/self/smaps_rollup", text);
  MemorySample sample;
  sample.anonymous_bytes = bytes_of(text, "\nAnonymous:");
  sample.huge_page_bytes = bytes_of(text, "\nAnonHugePages:");
  const bool is_counted = text[0] != '\0';
  read_text("/proc/self/status", text);
  if (!is_counted) sample.anonymous_bytes = bytes_of(text, "\nRssAnon:");
  sample.mapped_bytes = bytes_of(text, "\nVmSize:");
  sample.page_table_bytes = bytes_of(text, "\nVmPTE:");
  return sample;
}

std::uint64_t thread_count() {
  char text[4096];
  read_text("/proc/self/status", text);
  constexpr const char* kKey = "\nThreads:";
  const char* at = std::strstr(text, kKey);
  return at == nullptr ? 0 : number_at(at + std::strlen(kKey));
}

void reset_high_water() {
  const int fd = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(fd, "5", 1);
  ::close(fd);
}

std::uint64_t high_water_bytes() {
  char text[4096];
  read_text("/proc/self/status", text);
  return bytes_of(text, "\nVmHWM:");
}

}  // namespace replay
