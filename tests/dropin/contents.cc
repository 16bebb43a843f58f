// What a block holds and where it stands: every alignment, resizing in each direction, zeroes after
// dirty use, sizes that stay as told.
#include "tests/dropin/program.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>

#include <vector>

namespace {

using dropin::Contents;
using dropin::kGiB;
using dropin::kKiB;
using dropin::kMiB;

unsigned char* bytes(void* p) { return static_cast<unsigned char*>(p); }

// Frees in another thread, which has not allocated.
void free_elsewhere(std::vector<void*>& blocks) {
  pthread_t thread{};
  auto run = [](void* v) -> void* {
    for (void* p : *static_cast<std::vector<void*>*>(v)) {
      errno = 77;
      free(p);
      EXPECT(errno == 77);
    }
    return nullptr;
  };
  EXPECT(pthread_create(&thread, nullptr, run, &blocks) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
  blocks.clear();
}

// --- alignment ----------------------------------------------------------------------------------

void* allocate_aligned(std::size_t align, std::size_t size, unsigned way) {
  void* p = nullptr;
  if (way % 3 == 0) return memalign(align, size);
  if (way % 3 == 1) return aligned_alloc(align, size);
  EXPECT(posix_memalign(&p, align, size) == 0);
  return p;
}

// Huge ones are written at both ends only, so that they cost addresses and not memory.
void write_ends(unsigned char* p, std::size_t size, unsigned seed) {
  const std::size_t end = size < kMiB ? size : 100;
  Contents::write(p, end, seed);
  if (end < size) Contents::write(p + size - end, end, seed);
}
bool are_ends(const unsigned char* p, std::size_t size, unsigned seed) {
  const std::size_t end = size < kMiB ? size : 100;
  return Contents::are(p, end, seed) && (end == size || Contents::are(p + size - end, end, seed));
}

void alignments() {
  for (std::size_t align = 8; align <= kGiB; align *= 2) {
    struct Made {
      unsigned char* data;
      std::size_t size;
      std::size_t usable;
    };
    std::vector<Made> made;
    for (const std::size_t size : {std::size_t{1}, std::size_t{33}, align - 1, align, align + 1,
                                   3 * align, std::size_t{5000}, std::size_t{200'000}}) {
      if (size > kGiB) continue;
      const auto way = static_cast<unsigned>(made.size());
      unsigned char* p = bytes(allocate_aligned(align, size, way));
      EXPECT(p != nullptr && reinterpret_cast<std::uintptr_t>(p) % align == 0);
      const std::size_t usable = malloc_usable_size(p);
      EXPECT(usable >= size);
      write_ends(p, usable, way);
      made.push_back({p, size, usable});
      free(malloc(size / 2 + 1));  // in between, so that the aligned ones have neighbours
    }
    std::vector<void*> elsewhere;
    unsigned way = 0;
    for (const Made& each : made) {
      EXPECT(malloc_usable_size(each.data) == each.usable);
      EXPECT(are_ends(each.data, each.usable, way));
      if (way++ % 2 == 0) {
        elsewhere.push_back(each.data);
      } else {
        free(each.data);
      }
    }
    free_elsewhere(elsewhere);
  }
}

// An aligned block may move when it is resized, and keeps its contents.
void aligned_reallocs() {
  for (std::size_t align = 32; align <= 4 * kMiB; align *= 2) {
    for (const std::size_t size : {std::size_t{40}, std::size_t{3000}, align, 2 * align}) {
      for (const std::size_t resized : {std::size_t{20}, size / 2, size + 1, 2 * size, 9 * size}) {
        unsigned char* p = bytes(memalign(align, size));
        EXPECT(p != nullptr);
        write_ends(p, size, 5);
        p = bytes(realloc(p, resized));
        EXPECT(p != nullptr);
        const std::size_t kept = size < resized ? size : resized;
        EXPECT(Contents::are(p, kept < 100 ? kept : 100, 5));
        write_ends(p, resized, 6);
        free(p);
      }
    }
  }
}

// --- resizing -----------------------------------------------------------------------------------

std::vector<std::size_t> sizes_up_to(std::size_t largest) {
  std::vector<std::size_t> sizes = {1, 7, 24, 100, 600, 1500, 5000, 20'000, 100'000, 700'000};
  for (std::size_t power = 8; power <= largest; power *= power < kKiB ? 2 : 8) {
    sizes.insert(sizes.end(), {power - 1, power, power + 1});
  }
  sizes.push_back(largest);
  return sizes;
}

// From each size to each: with a neighbour behind, and without.
void reallocs() {
  const std::vector<std::size_t> sizes = sizes_up_to(8 * kMiB);
  unsigned seed = 0;
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      ++seed;
      unsigned char* p = bytes(malloc(from));
      void* neighbour = seed % 2 == 0 ? malloc(from) : nullptr;
      EXPECT(p != nullptr);
      // A program that asks for the usable size writes to all of it: redis does.
      const std::size_t usable = malloc_usable_size(p);
      EXPECT(usable >= from);
      Contents::write(p, usable, seed);
      p = bytes(realloc(p, to));
      EXPECT(p != nullptr && malloc_usable_size(p) >= to);
      EXPECT(Contents::are(p, usable < to ? usable : to, seed));
      Contents::write(p, malloc_usable_size(p), seed + 1);
      free(neighbour);
      EXPECT(Contents::are(p, to, seed + 1));
      free(p);
    }
  }
}

// Step by step, as vectors and strings grow, with others growing beside; and down again.
void realloc_steps() {
  static constexpr std::size_t kSteps = 900;
  struct Grown {
    unsigned char* data = nullptr;
    std::size_t size = 0;
  };
  std::array<Grown, 4> blocks{};
  for (std::size_t step = 0; step < 2 * kSteps; ++step) {
    const std::size_t up = step < kSteps ? step : 2 * kSteps - step;
    const std::size_t size = 1 + up * up * up / 200;  // to 3.6 MB
    for (unsigned i = 0; i < blocks.size(); ++i) {
      auto& [data, old_size] = blocks[i];
      data = bytes(realloc(data, size));
      EXPECT(data != nullptr);
      EXPECT(Contents::are(data, old_size < size ? old_size : size, i));
      Contents::write(data, size, i);
      old_size = size;
    }
  }
  for (const Grown& each : blocks) free(each.data);
}

// --- zeroes -------------------------------------------------------------------------------------

void callocs_after_dirty_use() {
  for (const std::size_t size : sizes_up_to(8 * kMiB)) {
    const std::size_t count = size < 64 * kKiB ? 40 : size < kMiB ? 8 : 2;
    for (int way = 0; way < 4; ++way) {
      std::vector<void*> blocks(count);
      for (void*& p : blocks) {
        p = way == 3 ? memalign(4096, size) : malloc(size);
        EXPECT(p != nullptr);
        memset(p, 0xff, malloc_usable_size(p));
        if (way == 1) p = realloc(p, size / 2 + 1);  // leaves a dirty tail behind
      }
      if (way == 2) {
        free_elsewhere(blocks);
      } else {
        for (void* p : blocks) free(p);
      }
      blocks.assign(2 * count, nullptr);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::size_t asked = i % 3 == 0 ? size : i % 3 == 1 ? size / 2 + 1 : size / 4 + 1;
        unsigned char* p = bytes(calloc(1, asked));
        EXPECT(p != nullptr && dropin::is_zero(p, asked));
        memset(p, 0xee, malloc_usable_size(p));
        blocks[i] = p;
      }
      for (void* p : blocks) free(p);
    }
    if (size > 50'000) malloc_trim(0);
  }
}

// --- numbers ------------------------------------------------------------------------------------

// Blocks of no bytes are blocks too.
void empty_blocks() {
  std::vector<void*> blocks;
  for (int i = 0; i < 2000; ++i) {
    blocks.push_back(i % 4 == 0 ? calloc(0, 8) : i % 4 == 1 ? aligned_alloc(64, 0) : malloc(0));
    EXPECT(blocks.back() != nullptr);
  }
  std::vector<void*> sorted = blocks;
  qsort(sorted.data(), sorted.size(), sizeof(void*), [](const void* a, const void* b) {
    const void* x = *static_cast<void* const*>(a);
    const void* y = *static_cast<void* const*>(b);
    return x < y ? -1 : x > y ? 1 : 0;
  });
  for (std::size_t i = 1; i < sorted.size(); ++i) EXPECT(sorted[i - 1] != sorted[i]);
  free_elsewhere(blocks);
}

// No size changes what its neighbours hold: all bytes of each are written, down to the last usable.
void all_small_sizes() {
  static constexpr std::size_t kLargest = 3000;
  std::vector<unsigned char*> blocks(kLargest);
  std::vector<std::size_t> usable(kLargest);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size = 1; size < kLargest; ++size) {
      unsigned char* p = bytes(malloc(size));
      EXPECT(p != nullptr && reinterpret_cast<std::uintptr_t>(p) % (size <= 8 ? 8 : 16) == 0);
      blocks[size] = p;
      usable[size] = malloc_usable_size(p);
      EXPECT(usable[size] >= size);
      Contents::write(p, usable[size], static_cast<unsigned>(size));
    }
    for (std::size_t size = 1; size < kLargest; ++size) {
      EXPECT(malloc_usable_size(blocks[size]) == usable[size]);
      EXPECT(Contents::are(blocks[size], usable[size], static_cast<unsigned>(size)));
    }
    for (std::size_t i = 0; i < kLargest; ++i) free(blocks[i * 7 % kLargest]);
    blocks.assign(kLargest, nullptr);
  }
}

constexpr dropin::Case kCases[] = {
    {"alignments", alignments},
    {"aligned_reallocs", aligned_reallocs},
    {"reallocs", reallocs},
    {"realloc_steps", realloc_steps},
    {"callocs_after_dirty_use", callocs_after_dirty_use},
    {"empty_blocks", empty_blocks},
    {"all_small_sizes", all_small_sizes},
};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
