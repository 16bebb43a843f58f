#include "replay/engine/clock_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace replay {
namespace {

constexpr const char* kList = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
constexpr const char* kBetweenWords = " \n";

}  // namespace

bool names_tsc(const char* clock_sources) {
  for (const char* word = clock_sources; *word != '\0';) {
    const std::size_t length = std::strcspn(word, kBetweenWords);
    if (length == 3 && std::strncmp(word, "tsc", length) == 0) return true;
    word += length;
    word += std::strspn(word, kBetweenWords);
  }
  return false;
}

bool kernel_trusts_tsc() {
  char text[256] = {};
  const int fd = ::open(kList, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t length = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  return length > 0 && names_tsc(text);
}

}  // namespace replay
