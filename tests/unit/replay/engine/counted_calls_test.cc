#include "replay/engine/counted_calls.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/alloc/allocator.h"

namespace replay {
namespace {

struct Logging {
  std::vector<std::string> log;
  unsigned char place[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

  void* allocate(std::size_t size, std::size_t align) noexcept {
    log.push_back("allocate " + std::to_string(size) + " " + std::to_string(align));
    return place;
  }
  void deallocate(void*) noexcept { log.push_back("deallocate"); }
};

struct Resizing : Logging {
  void* reallocate(void* p, std::size_t size) noexcept {
    log.push_back("reallocate " + std::to_string(size));
    return p;
  }
};

TEST(CountedCallsTest, PassesEachCallOnToTheAllocator) {
  Resizing resizing;
  CountedResizes counted{mem::AnyAllocator(resizing)};
  const mem::AnyAllocator face(counted);
  EXPECT_EQ(face.allocate(7, 0), resizing.place);
  face.allocate(9, 64);
  face.table().reallocate(face.self(), resizing.place, 11);
  face.deallocate(resizing.place);
  EXPECT_EQ(resizing.log, (std::vector<std::string>{"allocate 7 0", "allocate 9 64",
                                                    "reallocate 11", "deallocate"}));
}

TEST(CountedCallsTest, CallocWithoutTheCapabilityIsZeroedAndReallocStaysAbsent) {
  Logging scripted;
  CountedCalls counted{mem::AnyAllocator(scripted)};
  const mem::AnyAllocator face(counted);
  face.table().allocate_zeroed(face.self(), 8);
  EXPECT_EQ(scripted.place[7], 0);
  EXPECT_EQ(scripted.place[8], 1);
  EXPECT_EQ(face.table().reallocate, nullptr);
}

TEST(CountedCallsTest, ThePartRunsOnceWithItsContext) {
  int runs = 0;
  run_counted([](void* context) { ++*static_cast<int*>(context); }, &runs);
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace replay
