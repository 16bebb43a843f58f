// What the programs have in common that run with libmem.so preloaded: cases chosen by the command
// line, expectations that end the process, contents that can be told again, the process's size.
//
// Nothing here allocates but what says so. Safe from any thread.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#define EXPECT(condition) \
  ((condition) ? void() : ::dropin::end_with(__FILE__, __LINE__, #condition))

namespace dropin {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kGiB = 1024 * kMiB;

[[noreturn]] inline void end_with(const char* file, int line, const char* expectation) {
  dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", file, line, expectation);
  _exit(1);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  // A size as programs ask for: most are small, some are of several pages, few are large.
  std::size_t size() {
    if (below(2048) == 0) return 1 + below(4 * kMiB);
    if (below(64) == 0) return 1 + below(300 * kKiB);
    return 1 + below(below(8) == 0 ? 8 * kKiB : 600);
  }

 private:
  std::uint64_t state_;
};

// Bytes that differ from seed to seed and from chunk to chunk, so that a block which is served
// twice, moved wrongly or overwritten does not hold what it should.
class Contents {
 public:
  static void write(unsigned char* p, std::size_t size, unsigned seed) {
    for (std::size_t at = 0; at < size; at += kChunk) {
      memcpy(p + at, noise(seed, at), size - at < kChunk ? size - at : kChunk);
    }
  }
  static bool are(const unsigned char* p, std::size_t size, unsigned seed) {
    for (std::size_t at = 0; at < size; at += kChunk) {
      if (memcmp(p + at, noise(seed, at), size - at < kChunk ? size - at : kChunk) != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kChunk = 4096;

  static const unsigned char* noise(unsigned seed, std::size_t at) {
    static constexpr auto kNoise = [] {
      std::array<unsigned char, 2 * kChunk> bytes{};
      std::uint32_t state = 1;
      for (unsigned char& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<unsigned char>(state >> 24);
      }
      return bytes;
    }();
    return kNoise.data() + (seed + 31 * (at / kChunk)) % kChunk;
  }
};

inline bool is_zero(const unsigned char* p, std::size_t size) {
  return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

// The number that follows `key` in a file of /proc/self; 0 = there is none.
inline std::size_t number_in(const char* path, const char* key) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  static constexpr std::size_t kRoom = 8192;
  std::array<char, kRoom> text;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t used = 0;
  for (ssize_t n = 1; n > 0 && used < kRoom - 1; used += static_cast<std::size_t>(n)) {
    n = read(file, text.data() + used, kRoom - 1 - used);
    if (n < 0) break;
  }
  close(file);
  text[used] = '\0';
  const char* line = strstr(text.data(), key);
  return line == nullptr ? 0 : strtoul(line + strlen(key), nullptr, 10);
}

// Counted page by page: the counters of /proc/self/status may lag by megabytes.
inline std::size_t resident_bytes() {
  const std::size_t kib = number_in("/proc/self/smaps_rollup", "Rss:");
  EXPECT(kib != 0);
  return kib * kKiB;
}

inline std::size_t address_space_bytes() {
  const std::size_t kib = number_in("/proc/self/status", "VmSize:");
  EXPECT(kib != 0);
  return kib * kKiB;
}

// The number of the first invariant of libmem.so's heap that does not hold.
inline int check_heap() {
  auto* check = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "mem_check"));
  return check == nullptr ? 0 : check();
}

struct Case {
  const char* name;
  void (*run)();
};

// Runs the case that the command line names, if malloc is the one that the environment preloads.
inline int run_case(int argc, char** argv, std::span<const Case> cases) {
  Dl_info info;
  const char* preloaded = getenv("LD_PRELOAD");
  EXPECT(preloaded != nullptr);
  EXPECT(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0);
  EXPECT(strcmp(info.dli_fname, preloaded) == 0);
  for (const Case& each : cases) {
    if (argc == 2 && strcmp(argv[1], each.name) == 0) {
      each.run();
      EXPECT(check_heap() == 0);
      puts("ok");
      return 0;
    }
  }
  fprintf(stderr, "no such case\n");
  return 2;
}

}  // namespace dropin
