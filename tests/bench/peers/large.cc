// Large blocks: a hot pair with its pages touched, a mixed set, many blocks alive at once.
#include <cstddef>
#include <utility>

#include "tests/bench/peers/pattern.h"

namespace peers {
namespace {

constexpr std::size_t kKiB = 1024;

template <std::size_t kSize>
void hot(Run& run) {
  const std::size_t operations = run.work((std::size_t{1} << 30) / kSize);
  run.repeat(operations, [&] {
    for (std::size_t i = 0; i < operations; ++i) {
      char* const block = touched_block(kSize);
      keep(block);
      std::free(block);
    }
  });
}

// 32 blocks of 64 KiB to 4 MiB, as many of each doubling; a random one is replaced, all touched.
void mixed(Run& run) {
  Table<char*> blocks(32);
  const std::size_t operations = run.work(300);
  Random random(23);
  run.repeat(operations, [&] {
    for (std::size_t i = 0; i < operations; ++i) {
      char*& block = blocks[random.below(blocks.size())];
      std::free(block);
      const std::size_t least = (64 * kKiB) << random.below(6);
      block = touched_block(least + random.below(least));
    }
  });
}

// 4,000 blocks of 64 to 256 KiB alive, only their first pages touched; random ones are replaced.
void many_alive(Run& run) {
  Table<char*> blocks(4'000);
  const std::size_t operations = run.work(20'000);
  Random random(29);
  const auto new_block = [&] {
    auto* const block = static_cast<char*>(std::malloc(64 * kKiB + random.below(192 * kKiB)));
    block[0] = 1;
    return block;
  };
  bool filled = false;
  run.repeat(operations, [&] {
    if (!std::exchange(filled, true))
      for (char*& block : blocks) block = new_block();
    for (std::size_t i = 0; i < operations; ++i) {
      char*& block = blocks[random.below(blocks.size())];
      std::free(block);
      block = new_block();
    }
  });
}

constexpr Pattern kPatterns[] = {
    {"large-hot-64k", false, Floor::kNone, hot<64 * kKiB>, nullptr},
    {"large-hot-256k", false, Floor::kNone, hot<256 * kKiB>, nullptr},
    {"large-hot-1m", false, Floor::kNone, hot<1024 * kKiB>, nullptr},
    {"large-hot-4m", false, Floor::kNone, hot<4096 * kKiB>, nullptr},
    {"large-mixed", false, Floor::kNone, mixed, nullptr},
    {"large-many-alive", false, Floor::kNone, many_alive, nullptr},
};

}  // namespace

std::span<const Pattern> large_patterns() { return kPatterns; }

}  // namespace peers
