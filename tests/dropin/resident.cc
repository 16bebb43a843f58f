// Resident memory after a load is gone: with malloc_trim, and without.
#include <malloc.h>
#include <sys/mman.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/dropin/program.h"

namespace {

using dropin::kKiB;
using dropin::kMiB;
using dropin::Random;

constexpr std::size_t kLoad = 200 * kMiB;

// The blocks of a load, listed in pages of its own, which are gone when the list is.
class Load {
 public:
  Load() {
    void* list = mmap(nullptr, kListBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(list != MAP_FAILED);
    blocks_ = static_cast<void**>(list);
  }
  ~Load() { munmap(blocks_, kListBytes); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Sizes from half of `size` to one and a half of it, until they are `bytes` together.
  void add(std::size_t size, std::size_t bytes, unsigned seed) {
    Random random(seed);
    for (std::size_t made = 0; made < bytes;) {
      const std::size_t mine = size / 2 + random.below(size + 1);
      void* p = malloc(mine);
      EXPECT(p != nullptr);
      memset(p, 0x11, mine);
      blocks_[count_++] = p;
      made += mine;
    }
    EXPECT(count_ <= kListBytes / sizeof(void*));
  }
  // In an order that is neither that of allocation nor its reverse.
  void free_all() {
    Random random(1);
    for (std::size_t i = count_; i > 0; --i) {
      std::swap(blocks_[i - 1], blocks_[random.below(i)]);
      free(blocks_[i - 1]);
    }
    count_ = 0;
    EXPECT(madvise(blocks_, kListBytes, MADV_DONTNEED) == 0);
  }

 private:
  static constexpr std::size_t kListBytes = 128 * kMiB;
  void** blocks_;
  std::size_t count_ = 0;
};

void load_and_free(std::size_t size) {
  Load load;
  const std::size_t before = dropin::resident_bytes();
  load.add(size, kLoad, 2);
  EXPECT(dropin::resident_bytes() > before + kLoad - 16 * kMiB);  // or there is nothing to see here
  load.free_all();
}

void load_in_threads_and_free() {
  static constexpr unsigned kThreads = 4;
  std::array<Load, kThreads> loads;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &loads] { loads[t].add(200, kLoad / kThreads, t + 1); });
  }
  for (std::thread& thread : threads) thread.join();
  for (Load& load : loads) load.free_all();
}

// Of many threads at once each makes a few blocks of middle sizes, in a span of its own, and ends.
void load_in_many_threads_and_free() {
  static constexpr unsigned kThreads = 400;
  Load load;
  std::mutex mutex;
  std::barrier all_have_theirs(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      {
        const std::lock_guard guard(mutex);
        load.add(2000, 50 * kKiB, t + 1);
      }
      all_have_theirs.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  load.free_all();
}

// Main frees what threads made that are alive but do nothing any more; they end after `look`.
void load_in_idle_threads_and_free(void (*look)(std::size_t), std::size_t before) {
  static constexpr unsigned kThreads = 2;
  std::atomic<unsigned> loaded{0};
  std::atomic<bool> is_over{false};
  {
    std::array<Load, kThreads> loads;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        loads[t].add(200, kLoad / kThreads, t + 1);
        ++loaded;
        loaded.notify_all();
        is_over.wait(false);
      });
    }
    for (unsigned n = 0; n < kThreads; n = loaded) loaded.wait(n);
    for (Load& load : loads) load.free_all();
    look(before);
    is_over = true;
    is_over.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
}

void expect_back_at(std::size_t before, std::size_t slack) {
  const std::size_t after = dropin::resident_bytes();
  dprintf(STDOUT_FILENO, "resident before %zu KiB, after %zu KiB\n", before / kKiB, after / kKiB);
  EXPECT(after <= before + before / 10 + slack);
}

constexpr std::size_t kSlackTrimmed = 2 * kMiB;
// A heap may keep a little ready, and less than 4 MiB that are dirty go by the clock alone, which
// may not have come round yet: 4 % of the load.
constexpr std::size_t kSlackUntrimmed = 8 * kMiB;

// Once beforehand, for what a process takes but once: code, stacks, the tables of the heap.
std::size_t resident_of_a_warm_process() {
  free(malloc(100));
  std::thread([] { free(malloc(100)); }).join();
  malloc_trim(0);
  return dropin::resident_bytes();
}

template <class Churn>
void with_trim(Churn churn) {
  const std::size_t before = resident_of_a_warm_process();
  churn();
  malloc_trim(0);
  expect_back_at(before, kSlackTrimmed);
}

template <class Churn>
void without_trim(Churn churn) {
  const std::size_t before = resident_of_a_warm_process();
  churn();
  expect_back_at(before, kSlackUntrimmed);
}

constexpr dropin::Case kCases[] = {
    {"small_trim", [] { with_trim([] { load_and_free(200); }); }},
    {"middle_trim", [] { with_trim([] { load_and_free(100 * kKiB); }); }},
    {"large_trim", [] { with_trim([] { load_and_free(8 * kMiB); }); }},
    {"threads_trim", [] { with_trim(load_in_threads_and_free); }},
    {"idle_threads_trim",
     [] {
       load_in_idle_threads_and_free(
           [](std::size_t before) {
             malloc_trim(0);
             expect_back_at(before, kSlackTrimmed);
           },
           resident_of_a_warm_process());
     }},
    {"many_threads_trim",
     [] {
       const std::size_t before = resident_of_a_warm_process();
       load_in_many_threads_and_free();
       malloc_trim(0);
       expect_back_at(before, 12 * kMiB);  // with what each heap needs for itself
     }},
    {"small", [] { without_trim([] { load_and_free(200); }); }},
    {"middle", [] { without_trim([] { load_and_free(100 * kKiB); }); }},
    {"large", [] { without_trim([] { load_and_free(8 * kMiB); }); }},
    {"threads", [] { without_trim(load_in_threads_and_free); }},
};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
