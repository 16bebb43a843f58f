// An allocator for tests that finds out who frees what is not there. It takes no lock of its own,
// so that it orders no threads and ThreadSanitizer sees what the replay itself left unordered.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <utility>

namespace replay::test {

class CheckingAllocator {
 public:
  ~CheckingAllocator() {
    for (Object* object = dead_.load(); object != nullptr;)
      std::free(std::exchange(object, object->next));
  }
  void* allocate(std::size_t size, std::size_t) noexcept {
    auto* object = static_cast<Object*>(std::malloc(sizeof(Object)));
    *object = {kAlive, size, nullptr};
    live_.fetch_add(1, std::memory_order_relaxed);
    return object;
  }
  void deallocate(void* p) noexcept {
    auto* object = static_cast<Object*>(p);
    if (p == nullptr || object->state != kAlive) {
      bad_frees_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    object->state = kDead;
    live_.fetch_sub(1, std::memory_order_relaxed);
    object->next = dead_.load(std::memory_order_relaxed);
    while (!dead_.compare_exchange_weak(object->next, object, std::memory_order_relaxed)) continue;
  }
  void* allocate_zeroed(std::size_t size) noexcept { return allocate(size, 0); }
  void* reallocate(void* p, std::size_t size) noexcept {
    auto* object = static_cast<Object*>(p);
    if (object->state != kAlive) bad_frees_.fetch_add(1, std::memory_order_relaxed);
    object->size = size;
    return p;
  }

  std::uint64_t live() const { return live_.load(); }
  std::uint64_t bad_frees() const { return bad_frees_.load(); }

 private:
  static constexpr std::uint64_t kAlive = 0xa11fe;
  static constexpr std::uint64_t kDead = 0xdead;
  struct Object {
    std::uint64_t state;
    std::uint64_t size;
    Object* next;  // of the dead, who are kept to the end: their memory must not live again
  };
  std::atomic<Object*> dead_{nullptr};
  std::atomic<std::uint64_t> live_{0};
  std::atomic<std::uint64_t> bad_frees_{0};
};

}  // namespace replay::test
