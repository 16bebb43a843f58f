// Growth by realloc: vectors that double, strings that grow a little at a time.
#include <cstddef>

#include "tests/bench/peers/pattern.h"

namespace peers {
namespace {

struct Buffer {
  char* data;
  std::size_t size;
};

// Writes one byte on every page from `from` on, which makes the same pages resident as all bytes.
void touch_pages(Buffer& buffer, std::size_t from) {
  for (std::size_t i = from; i < buffer.size; i += 4096) buffer.data[i] = 1;
}

void grow(Buffer& buffer, std::size_t size) {
  const std::size_t before = buffer.size;
  buffer.data = static_cast<char*>(std::realloc(buffer.data, size));
  buffer.size = size;
  touch_pages(buffer, before);
}

void drop(Buffer& buffer) {
  std::free(buffer.data);
  buffer = {};
}

// 32 vectors that take turns at doubling, from 64 bytes to 1 MiB. An operation is one realloc.
void vectors(Run& run) {
  constexpr std::size_t kVectors = 32;
  constexpr std::size_t kDoublings = 15;
  Table<Buffer> buffers(kVectors);
  const std::size_t passes = run.work(4);
  run.repeat(passes * kVectors * kDoublings, [&] {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      for (std::size_t step = 0; step < kDoublings; ++step)
        for (Buffer& buffer : buffers) grow(buffer, std::size_t{64} << step);
      for (Buffer& buffer : buffers) drop(buffer);
    }
  });
}

// 1,000 strings; a random one grows by up to 64 bytes, and starts anew once it is past 4 KiB.
void strings(Run& run) {
  Table<Buffer> buffers(1'000);
  const std::size_t operations = run.work(500'000);
  Random random(19);
  run.repeat(operations, [&] {
    for (std::size_t i = 0; i < operations; ++i) {
      Buffer& buffer = buffers[random.below(buffers.size())];
      if (buffer.size > 4096) drop(buffer);
      grow(buffer, buffer.size + 1 + random.below(64));
      buffer.data[buffer.size - 1] = 1;
    }
  });
}

constexpr Pattern kPatterns[] = {
    {"realloc-vectors", false, Floor::kNone, vectors, nullptr},
    {"realloc-strings", false, Floor::kNone, strings, nullptr},
};

}  // namespace

std::span<const Pattern> growth_patterns() { return kPatterns; }

}  // namespace peers
