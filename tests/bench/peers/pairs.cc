// Small objects of one thread: the hot pair, sets of objects in four orders, random lifetimes.
#include <cstddef>
#include <utility>

#include "tests/bench/peers/pattern.h"

namespace peers {
namespace {

// An object that is written, as programs do with what they ask for.
template <class Calls>
void* touched(std::size_t size) {
  void* const p = Calls::allocate(size);
  *static_cast<std::size_t*>(p) = size;
  return p;
}

template <class Calls, std::size_t kSize>
void hot(Run& run) {
  const std::size_t operations = run.work(3'000'000);
  run.repeat(operations, [&] {
    for (std::size_t i = 0; i < operations; ++i) {
      void* const p = Calls::allocate(kSize);
      keep(p);
      Calls::release(p);
    }
  });
}

constexpr std::size_t kSetObjects = 10'000;
enum class Order { kLifo, kFifo, kRandom };

// Sizes of a set: all alike, or as programs mix them, mostly small and now and then up to 2 KiB.
void fill_sizes(Table<std::size_t>& sizes, std::size_t same) {
  Random random(7);
  for (std::size_t& size : sizes)
    size = same != 0               ? same
           : random.below(16) == 0 ? 256 + random.below(1792)
                                   : 16 + random.below(240);
}

template <class Calls, std::size_t kSame, Order kOrder>
void set(Run& run) {
  Table<void*> objects(kSetObjects);
  Table<std::size_t> sizes(kSetObjects);
  Table<std::size_t> order(kSetObjects);
  fill_sizes(sizes, kSame);
  for (std::size_t i = 0; i < kSetObjects; ++i)
    order[i] = kOrder == Order::kLifo ? kSetObjects - 1 - i : i;
  Random random(11);
  if (kOrder == Order::kRandom)
    for (std::size_t i = kSetObjects; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const std::size_t passes = run.work(150);
  run.repeat(passes * kSetObjects, [&] {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < kSetObjects; ++i) objects[i] = touched<Calls>(sizes[i]);
      for (const std::size_t i : order) Calls::release(objects[i]);
    }
  });
}

// 10,000 objects alive, a random one replaced each time.
template <class Calls, std::size_t kSame>
void churn(Run& run) {
  Table<void*> objects(kSetObjects);
  Table<std::size_t> sizes(kSetObjects);
  fill_sizes(sizes, kSame);
  const std::size_t operations = run.work(1'200'000);
  Random random(13);
  bool filled = false;
  run.repeat(operations, [&] {
    if (!std::exchange(filled, true))
      for (std::size_t i = 0; i < kSetObjects; ++i) objects[i] = touched<Calls>(sizes[i]);
    for (std::size_t i = 0; i < operations; ++i) {
      const std::size_t victim = random.below(kSetObjects);
      Calls::release(objects[victim]);
      objects[victim] = touched<Calls>(sizes[i % kSetObjects]);
    }
  });
}

// Up to 8 KiB, most short-lived: nine in ten stand in 100 slots that are soon replaced, the others
// in 5,000 that live fifty times as long and more.
template <class Calls>
void random_lifetimes(Run& run) {
  constexpr std::size_t kShort = 100;
  constexpr std::size_t kLong = 5'000;
  Table<void*> objects(kShort + kLong);
  const std::size_t operations = run.work(500'000);
  Random random(17);
  run.repeat(operations, [&] {
    for (std::size_t i = 0; i < operations; ++i) {
      const std::size_t slot =
          random.below(10) != 0 ? random.below(kShort) : kShort + random.below(kLong);
      if (objects[slot] != nullptr) Calls::release(objects[slot]);
      const std::size_t size = 8 + random.below(8185);
      objects[slot] = touched<Calls>(size);
      static_cast<char*>(objects[slot])[size - 1] = 1;
    }
  });
}

template <std::size_t kSize>
constexpr Pattern hot_pattern(const char* name) {
  return {name, false, Floor::kConstant, hot<Process, kSize>, hot<ConstantFloor, kSize>};
}
template <std::size_t kSame, Order kOrder>
constexpr Pattern set_pattern(const char* name) {
  return {name, false, Floor::kLists, set<Process, kSame, kOrder>, set<ListsFloor, kSame, kOrder>};
}
template <std::size_t kSame>
constexpr Pattern churn_pattern(const char* name) {
  return {name, false, Floor::kLists, churn<Process, kSame>, churn<ListsFloor, kSame>};
}

constexpr std::size_t kMixed = 0;
constexpr Pattern kPatterns[] = {
    hot_pattern<16>("hot-16"),
    hot_pattern<32>("hot-32"),
    hot_pattern<64>("hot-64"),
    hot_pattern<128>("hot-128"),
    hot_pattern<256>("hot-256"),
    hot_pattern<512>("hot-512"),
    hot_pattern<1024>("hot-1024"),
    hot_pattern<2048>("hot-2k"),
    hot_pattern<4096>("hot-4k"),
    hot_pattern<8192>("hot-8k"),
    hot_pattern<16384>("hot-16k"),
    hot_pattern<32768>("hot-32k"),
    set_pattern<64, Order::kLifo>("set-64-lifo"),
    set_pattern<64, Order::kFifo>("set-64-fifo"),
    set_pattern<64, Order::kRandom>("set-64-random"),
    churn_pattern<64>("set-64-churn"),
    set_pattern<kMixed, Order::kLifo>("set-mixed-lifo"),
    set_pattern<kMixed, Order::kFifo>("set-mixed-fifo"),
    set_pattern<kMixed, Order::kRandom>("set-mixed-random"),
    churn_pattern<kMixed>("set-mixed-churn"),
    {"random-8k", false, Floor::kLists, random_lifetimes<Process>, random_lifetimes<ListsFloor>},
};

}  // namespace

std::span<const Pattern> pair_patterns() { return kPatterns; }

}  // namespace peers
