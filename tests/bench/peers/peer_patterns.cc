// Measures one pattern of allocation under whichever malloc is preloaded, one pattern a process.
//
//   peer_patterns --list                   every pattern: name, floor it is held against or "none"
//   peer_patterns NAME [--floor] [--divide N]
//
// Prints one JSON object on a line: nanoseconds an operation (median and best of the repetitions)
// and the peak of resident memory above what was resident before. --floor measures the floor in
// place of malloc, --divide does an N-th of the work. Exit status: 0, 1 error, 2 wrong usage.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "tests/bench/peers/pattern.h"

namespace peers {
namespace {

constexpr std::array<std::span<const Pattern> (*)(), 4> kGroups = {pair_patterns, thread_patterns,
                                                                   growth_patterns, large_patterns};

const char* floor_name(Floor floor) {
  switch (floor) {
    case Floor::kConstant:
      return "constant";
    case Floor::kLists:
      return "lists";
    case Floor::kNone:
      break;
  }
  return "none";
}

// A field of /proc/self/status, in KiB, read without allocating.
long status_kib(const char* field) {
  char text[4096];
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0) return -1;
  text[size] = '\0';
  const char* const found = std::strstr(text, field);
  return found == nullptr ? -1 : std::strtol(found + std::strlen(field), nullptr, 10);
}

int list() {
  for (const auto group : kGroups)
    for (const Pattern& pattern : group())
      std::printf("%s\t%s\n", pattern.name, floor_name(pattern.floor));
  return 0;
}

const Pattern* find(const char* name) {
  for (const auto group : kGroups)
    for (const Pattern& pattern : group())
      if (std::strcmp(pattern.name, name) == 0) return &pattern;
  return nullptr;
}

int usage(const char* message, const char* subject) {
  std::fprintf(stderr, "peer_patterns: %s%s\n", message, subject);
  std::fputs("usage: peer_patterns --list | NAME [--floor] [--divide N]\n", stderr);
  return 2;
}

int measure(const Pattern& pattern, bool floor, std::size_t divisor) {
  Run run(pattern.threaded, divisor);
  (floor ? pattern.measure_floor : pattern.measure)(run);
  const std::span<const double> samples = run.samples();
  std::printf(
      "{\"pattern\": \"%s\", \"ns_median\": %.4f, \"ns_best\": %.4f, \"repetitions\": %zu, "
      "\"peak_kib\": %ld}\n",
      pattern.name, samples[samples.size() / 2], samples[0], samples.size(), run.peak_kib());
  return 0;
}

int main_with(int count, char** words) {
  if (count == 2 && std::strcmp(words[1], "--list") == 0) return list();
  if (count < 2) return usage("no pattern named", "");
  const Pattern* const pattern = find(words[1]);
  if (pattern == nullptr) return usage("no such pattern: ", words[1]);
  bool floor = false;
  std::size_t divisor = 1;
  for (int i = 2; i < count; ++i) {
    if (std::strcmp(words[i], "--floor") == 0) {
      floor = true;
    } else if (std::strcmp(words[i], "--divide") == 0 && i + 1 < count) {
      divisor = std::strtoul(words[++i], nullptr, 10);
    } else {
      return usage("unknown argument: ", words[i]);
    }
  }
  if (divisor == 0) return usage("--divide needs a number above 0", "");
  if (floor && pattern->floor == Floor::kNone) return usage("no floor for ", words[1]);
  return measure(*pattern, floor, divisor);
}

}  // namespace

double Run::now_ns() const {
  timespec now{};
  clock_gettime(clock_, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void Run::mark_memory() {
  status_kib("VmRSS:");  // so that its own code is resident before it counts
  // 5: the high-water mark starts anew from what is resident now.
  const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    if (write(file, "5", 1) != 1) std::perror("peer_patterns: clear_refs");
    close(file);
  }
  start_kib_ = status_kib("VmRSS:");
}

void Run::measure_peak() { peak_kib_ = std::max(0L, status_kib("VmHWM:") - start_kib_); }

}  // namespace peers

int main(int count, char** words) { return peers::main_with(count, words); }
