// Threads: objects freed by another thread, objects inherited from threads that are gone, and loads
// that share nothing. Plain pthreads, so that a thread costs no allocation that the pattern did not
// ask for.
#include <pthread.h>

#include <atomic>
#include <cstddef>

#include "tests/bench/peers/pattern.h"

namespace peers {
namespace {

// Starts a thread that runs `body()`, which must stay alive until join().
template <class Body>
pthread_t start(Body& body) {
  pthread_t thread{};
  const auto entry = [](void* argument) -> void* {
    (*static_cast<Body*>(argument))();
    return nullptr;
  };
  if (pthread_create(&thread, nullptr, entry, &body) != 0) std::abort();
  return thread;
}

// One thread allocates batches of 10,000, the other frees them; two batches are under way. An
// operation is one object's way through both.
template <class Calls, std::size_t kSize>
void hand_over(Run& run) {
  constexpr std::size_t kBatch = 10'000;
  Table<void*> objects(2 * kBatch);
  const std::size_t batches = run.work(60);
  run.repeat(batches * kBatch, [&] {
    std::atomic<std::size_t> filled{0};
    std::atomic<std::size_t> emptied{0};
    auto consume = [&] {
      for (std::size_t batch = 0; batch < batches; ++batch) {
        for (std::size_t seen = 0; (seen = filled.load()) <= batch;) filled.wait(seen);
        void** const slots = &objects[batch % 2 * kBatch];
        for (std::size_t i = 0; i < kBatch; ++i) {
          if (Calls::kDistinct && *static_cast<std::size_t*>(slots[i]) != i) std::abort();
          Calls::release(slots[i]);
        }
        emptied.store(batch + 1);
        emptied.notify_one();
      }
    };
    const pthread_t consumer = start(consume);
    for (std::size_t batch = 0; batch < batches; ++batch) {
      for (std::size_t seen = 0; (seen = emptied.load()) + 2 <= batch;) emptied.wait(seen);
      void** const slots = &objects[batch % 2 * kBatch];
      for (std::size_t i = 0; i < kBatch; ++i) {
        slots[i] = Calls::allocate(kSize);
        if (Calls::kDistinct) *static_cast<std::size_t*>(slots[i]) = i;
      }
      filled.store(batch + 1);
      filled.notify_one();
    }
    pthread_join(consumer, nullptr);
  });
}

// What one thread keeps: replaces random objects of 16 to 1,023 bytes.
void replace(void** objects, std::size_t count, std::size_t operations, Random& random) {
  for (std::size_t i = 0; i < operations; ++i) {
    void*& object = objects[random.below(count)];
    std::free(object);
    const std::size_t size = 16 + random.below(1008);
    object = std::malloc(size);
    *static_cast<std::size_t*>(object) = size;
  }
}

// Two lines of threads. A thread inherits its line's 5,000 live objects, replaces 20,000 at random
// and exits; the next thread of the line takes over. An operation is one replacement.
void larson(Run& run) {
  constexpr std::size_t kLines = 2;
  constexpr std::size_t kObjects = 5'000;
  constexpr std::size_t kReplaced = 20'000;
  Table<void*> objects(kLines * kObjects);
  Random random[kLines] = {Random(31), Random(37)};
  const std::size_t generations = run.work(20);
  run.repeat(kLines * generations * kReplaced, [&] {
    const auto live = [&](std::size_t line) {
      replace(&objects[line * kObjects], kObjects, kReplaced, random[line]);
    };
    auto first = [&] { live(0); };
    auto second = [&] { live(1); };
    pthread_t threads[kLines] = {start(first), start(second)};
    for (std::size_t generation = 1; generation < generations; ++generation) {
      pthread_join(threads[0], nullptr);
      threads[0] = start(first);
      pthread_join(threads[1], nullptr);
      threads[1] = start(second);
    }
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  });
}

// Threads that share nothing, each with 1,000 objects. An operation is one replacement by one
// thread, so that twice the threads take the same time an operation if nothing stands in the way.
template <std::size_t kThreads>
void local(Run& run) {
  constexpr std::size_t kObjects = 1'000;
  Table<void*> objects(kThreads * kObjects);
  const std::size_t operations = run.work(600'000);
  run.repeat(operations, [&] {
    auto work = [&, next = std::atomic<std::size_t>{0}]() mutable {
      const std::size_t index = next.fetch_add(1);
      Random random(41 + index);
      replace(&objects[index * kObjects], kObjects, operations, random);
      for (std::size_t i = 0; i < kObjects; ++i) {
        std::free(objects[index * kObjects + i]);
        objects[index * kObjects + i] = nullptr;
      }
    };
    pthread_t threads[kThreads];
    for (pthread_t& thread : threads) thread = start(work);
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  });
}

// Two threads, each with a hot pair of a large block whose pages are touched. An operation is one
// pair of one thread, so that a second thread takes no time if nothing stands in the way.
template <std::size_t kSize>
void large_hot(Run& run) {
  const std::size_t operations = run.work((std::size_t{1} << 30) / kSize);
  run.repeat(operations, [&] {
    auto work = [&] {
      for (std::size_t i = 0; i < operations; ++i) {
        char* const block = touched_block(kSize);
        keep(block);
        std::free(block);
      }
    };
    pthread_t threads[2];
    for (pthread_t& thread : threads) thread = start(work);
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  });
}

template <std::size_t kSize>
constexpr Pattern hand_over_pattern(const char* name) {
  return {name, true, Floor::kConstant, hand_over<Process, kSize>, hand_over<ConstantFloor, kSize>};
}

constexpr Pattern kPatterns[] = {
    hand_over_pattern<16>("hand-over-16"),
    hand_over_pattern<64>("hand-over-64"),
    hand_over_pattern<256>("hand-over-256"),
    hand_over_pattern<1024>("hand-over-1024"),
    {"larson", true, Floor::kNone, larson, nullptr},
    {"local-1-thread", true, Floor::kNone, local<1>, nullptr},
    {"local-2-threads", true, Floor::kNone, local<2>, nullptr},
    {"large-hot-64k-2-threads", true, Floor::kNone, large_hot<64 << 10>, nullptr},
    {"large-hot-256k-2-threads", true, Floor::kNone, large_hot<256 << 10>, nullptr},
};

}  // namespace

std::span<const Pattern> thread_patterns() { return kPatterns; }

}  // namespace peers
