// A heap of simulated pages with three threads, for the tests of core/mem/slab_heap*.h.
#pragma once

#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "core/mem/slab_heap.h"
#include "core/os/simulated_pages.h"
#include "tests/support/mem_heap_audit.h"

namespace mem {

class SlabHeapTest : public testing::Test {
 protected:
  using Objects = std::vector<void*>;

  ~SlabHeapTest() override {
    EXPECT_EQ(no_slab.need, 0u);  // nobody wrote to it
    EXPECT_EQ(no_slab.free, nullptr);
    EXPECT_EQ(no_slab.remote.load(), 0u);
  }

  // The bin of `size` has slabs from now on.
  void make_hot(ThreadHeap& heap, std::size_t size) {
    const unsigned bin = bin_of(size);
    slabs_.set_object_bytes(heap, bin, align_up(size, 16));
  }
  static unsigned bin_of(std::size_t size) {
    return size <= kMaxSmallBytes ? static_cast<unsigned>(small_bin(size)) : medium_bin(size);
  }
  void* allocate(ThreadHeap& heap, std::size_t size) {
    void* p = heap_->allocate(heap, size);
    EXPECT_NE(p, nullptr);
    return p;
  }
  Objects allocate(ThreadHeap& heap, std::size_t size, std::size_t count) {
    Objects objects;
    for (std::size_t i = 0; i < count; ++i) objects.push_back(allocate(heap, size));
    return objects;
  }
  // As many as a new slab holds, and it is current no more. Signed with their own address.
  Objects fill_slab(ThreadHeap& heap, std::size_t size) {
    Objects objects = allocate(heap, size, 1);
    const std::size_t capacity = span(objects[0])->capacity;
    while (objects.size() < capacity) objects.push_back(allocate(heap, size));
    slabs_.set_object_bytes(heap, bin_of(size), align_up(size, 16));
    for (void* p : objects) {
      EXPECT_EQ(span(p), span(objects[0]));
      *static_cast<void**>(p) = p;
    }
    EXPECT_EQ(span(objects[0])->state(), SpanState::kFull);
    return objects;
  }
  void free(ThreadHeap& heap, const Objects& objects) {
    for (void* p : objects) heap_->deallocate(heap, p);
  }
  // Objects of one size, none of which waits in its bin afterwards.
  void free_past_bin(ThreadHeap& heap, const Objects& objects) {
    const Span* slab = span(objects[0]);
    const unsigned bin = slab->bin;
    const std::size_t bytes = slab->object_bytes();
    free(heap, objects);
    slabs_.set_object_bytes(heap, bin, bytes);
  }
  std::size_t waiting(const ThreadHeap& heap, unsigned bin) {
    std::size_t count = 0;
    for (FreeObject* object = heap.loose[bin].free; object != nullptr; object = object->next) {
      ++count;
    }
    return count;
  }
  Span* span(const void* p) { return heap_->map().find(p); }
  // Its span went back: the run is free, or waits.
  bool is_gone(const void* p) { return span(p) == nullptr || !span(p)->is_owned(); }
  std::uint32_t live(const Span* span) { return SlabHeap<SimulatedPages>::live_objects(*span); }
  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
  void expect_sound() {
    for (ThreadHeap* heap : {&a_, &b_, &c_}) ASSERT_EQ(audit(*heap_, *heap), "");
  }
  // All is freed: nothing is left, once each heap has sent and taken back what it can.
  void expect_nothing_left() {
    for (int round = 0; round < 2; ++round) {
      for (ThreadHeap* heap : {&a_, &b_, &c_}) heap_->purge(*heap);
    }
    expect_sound();
    EXPECT_EQ(heap_->stats(a_).live_blocks, 0u);
    EXPECT_EQ(heap_->runs().used_pages(), 0u);
  }

  std::unique_ptr<MemHeap<SimulatedPages>> heap_ = std::make_unique<MemHeap<SimulatedPages>>();
  SlabHeap<SimulatedPages>& slabs_ = heap_->slabs();
  ThreadHeap& a_ = *slabs_.adopt();
  ThreadHeap& b_ = *slabs_.adopt();
  ThreadHeap& c_ = *slabs_.adopt();
};

}  // namespace mem
