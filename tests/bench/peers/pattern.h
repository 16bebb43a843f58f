// What the patterns of peer_patterns share: how malloc is called, how work is timed, where tables
// live. A pattern makes a fixed amount of calls; nothing here allocates, so that all that is seen
// of the allocator is what the pattern asked of it. Not thread-safe unless said.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <span>

#include "tests/bench/peers/floor.h"

namespace peers {

// The process's malloc, whichever is preloaded.
struct Process {
  static constexpr bool kDistinct = true;  // live objects have addresses of their own
  static void* allocate(std::size_t size) { return std::malloc(size); }
  static void release(void* p) { std::free(p); }
};
struct ConstantFloor {
  static constexpr bool kDistinct = false;
  static void* allocate(std::size_t size) { return floor_constant_malloc(size); }
  static void release(void* p) { floor_constant_free(p); }
};
struct ListsFloor {
  static constexpr bool kDistinct = true;
  static void* allocate(std::size_t size) { return floor_lists_malloc(size); }
  static void release(void* p) { floor_lists_free(p); }
};

// The compiler must take the object as used.
inline void keep(void* p) { asm volatile("" : : "r"(p) : "memory"); }

// A block of which one byte on every page is written, which makes the same pages resident as all.
inline char* touched_block(std::size_t size) {
  auto* const block = static_cast<char*>(std::malloc(size));
  for (std::size_t i = 0; i < size; i += 4096) block[i] = 1;
  return block;
}

// xorshift64*: the same numbers from the same seed everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545F4914F6CDD1DU) >> 16;
  }
  std::size_t below(std::size_t limit) { return next() % limit; }

 private:
  std::uint64_t state_;
};

// A zeroed, resident table straight from the kernel.
template <class T>
class Table {
 public:
  explicit Table(std::size_t count) : count_(count) {
    void* const pages = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    data_ = static_cast<T*>(pages);
  }
  ~Table() { munmap(data_, count_ * sizeof(T)); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  T& operator[](std::size_t i) { return data_[i]; }
  std::size_t size() const { return count_; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }

 private:
  T* data_;
  std::size_t count_;
};

// Times repetitions of one pattern. Patterns of one thread are timed in CPU time of the process,
// which other programs disturb least and which misses no helper thread; others by the wall clock.
class Run {
 public:
  Run(bool threaded, std::size_t divisor)
      : clock_(threaded ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID), divisor_(divisor) {}

  // How much of `full` to do; at least one.
  std::size_t work(std::size_t full) const { return std::max<std::size_t>(1, full / divisor_); }

  // Runs `body` kRepetitions times; it performs `operations` operations each time. All tables must
  // exist before, for the memory in use now is what the peak is held against.
  template <class Body>
  void repeat(std::size_t operations, Body body) {
    mark_memory();
    for (double& sample : samples_) {
      const double start = now_ns();
      body();
      sample = (now_ns() - start) / static_cast<double>(operations);
    }
    measure_peak();
  }

  // Sorted; pre: repeat() has returned.
  std::span<const double> samples() {
    std::sort(samples_.begin(), samples_.end());
    return samples_;
  }
  long peak_kib() const { return peak_kib_; }

  static constexpr int kRepetitions = 5;

 private:
  double now_ns() const;
  void mark_memory();
  void measure_peak();

  clockid_t clock_;
  std::size_t divisor_;
  std::array<double, kRepetitions> samples_{};
  long start_kib_ = 0;
  long peak_kib_ = 0;
};

enum class Floor : std::uint8_t { kNone, kConstant, kLists };

struct Pattern {
  const char* name;
  bool threaded;
  Floor floor;
  void (*measure)(Run&);
  void (*measure_floor)(Run&);  // null if kNone
};

std::span<const Pattern> pair_patterns();
std::span<const Pattern> growth_patterns();
std::span<const Pattern> large_patterns();
std::span<const Pattern> thread_patterns();

}  // namespace peers
