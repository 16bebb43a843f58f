// What single operations of the heaps cost: pairs, batches, and searches among many free blocks.
// Only figures of a release build on an idle machine count.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "core/alloc/registry.h"
#include "core/mem/heap.h"

namespace {

using mem::AnyAllocator;

void allocate_and_free(benchmark::State& state, AnyAllocator any) {
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* p = any.allocate(size, 0);
    benchmark::DoNotOptimize(p);
    any.deallocate(p);
  }
}

// Fill a table with blocks of mixed sizes, then replace random ones.
void replace_random(benchmark::State& state, AnyAllocator any) {
  std::mt19937 random(1);
  std::vector<void*> blocks(static_cast<std::size_t>(state.range(0)));
  std::vector<std::size_t> sizes(4096);
  for (std::size_t& size : sizes) size = 16 + random() % (random() % 16 == 0 ? 8000 : 250);
  for (void*& p : blocks) p = any.allocate(sizes[random() % sizes.size()], 0);
  for (auto _ : state) {
    void*& p = blocks[random() % blocks.size()];
    any.deallocate(p);
    p = any.allocate(sizes[random() % sizes.size()], 0);
  }
  for (void* p : blocks) any.deallocate(p);
}

// Many small free blocks that no request fits: what the seed's one list has to walk each time.
template <class Config>
void search_past_small_blocks(benchmark::State& state) {
  static constinit mem::Heap<Config> heap;
  std::vector<void*> holes;
  std::vector<void*> walls;
  for (long i = 0; i < state.range(0); ++i) {
    holes.push_back(heap.allocate(32, 0));
    walls.push_back(heap.allocate(32, 0));
  }
  for (void* p : holes) heap.deallocate(p);
  for (auto _ : state) {
    void* p = heap.allocate(200, 0);
    void* q = heap.allocate(200, 0);
    benchmark::DoNotOptimize(p);
    heap.deallocate(p);
    heap.deallocate(q);
  }
  for (void* p : walls) heap.deallocate(p);
}

BENCHMARK_TEMPLATE(search_past_small_blocks, mem::ClassicConfig)->Range(100, 10000);
BENCHMARK_TEMPLATE(search_past_small_blocks, mem::SegregatedConfig)->Range(100, 100000);

const bool kRegistered = [] {
  for (const mem::AllocatorEntry& entry : mem::registered_allocators()) {
    const AnyAllocator any = entry.instance();
    const std::string name = entry.name;
    benchmark::RegisterBenchmark(("allocate_and_free/" + name).c_str(), allocate_and_free, any)
        ->Arg(16)
        ->Arg(200)
        ->Arg(5000);
    if (name == "null" || name == "bump") continue;
    benchmark::RegisterBenchmark(("replace_random/" + name).c_str(), replace_random, any)
        ->Arg(1000)
        ->Arg(20000);
  }
  return true;
}();

}  // namespace
