#include "replay/record/chunk_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace replay::spool {
namespace {

class Chunks {
 public:
  explicit Chunks(std::size_t count) : words_(count * kChunkWords) {}
  std::byte* base() { return reinterpret_cast<std::byte*>(words_.data()); }
  std::uint64_t word(std::uint64_t place) { return *chunk_at(base(), place); }

 private:
  std::vector<std::uint64_t> words_;
};

TEST(ChunkList, GivesTheLastOneFirst) {
  Chunks chunks(3);
  ChunkList list{0};
  EXPECT_EQ(pop_chunk(list, chunks.base()), std::nullopt);
  for (const std::uint64_t place : {1u, 0u, 2u}) {
    push_chunk(list, chunks.base(), place, kChunkFull);
    EXPECT_EQ(state_of(chunks.word(place)), kChunkFull);
  }
  for (const std::uint64_t place : {2u, 0u, 1u}) {
    EXPECT_EQ(pop_chunk(list, chunks.base()), place);
  }
  EXPECT_EQ(pop_chunk(list, chunks.base()), std::nullopt);
}

// Whoever read the list before it changed and came back the same must not take part of it.
TEST(ChunkList, ChangesEvenWhereItsChunksAreTheSame) {
  Chunks chunks(1);
  ChunkList list{0};
  push_chunk(list, chunks.base(), 0, kChunkDrained);
  const std::uint64_t before = list.load();
  EXPECT_EQ(pop_chunk(list, chunks.base()), 0u);
  push_chunk(list, chunks.base(), 0, kChunkDrained);
  EXPECT_EQ(list.load() & kPlaceMask, before & kPlaceMask);
  EXPECT_NE(list.load(), before);
}

// Threads pass chunks round; each chunk stays with one of them at a time, and none gets lost.
TEST(ChunkList, NeverGivesAChunkTwice) {
  constexpr std::size_t kChunks = 4;
  Chunks chunks(kChunks);
  ChunkList list{0};
  for (std::uint64_t place = 0; place < kChunks; ++place) {
    push_chunk(list, chunks.base(), place, kChunkDrained);
  }
  std::atomic<int> held[kChunks]{};
  std::atomic<bool> twice{false};
  const auto pass_round = [&] {
    for (int i = 0; i < 50'000; ++i) {
      const auto place = pop_chunk(list, chunks.base());
      if (!place) continue;
      if (held[*place].fetch_add(1) != 0) twice = true;
      held[*place].fetch_sub(1);
      push_chunk(list, chunks.base(), *place, kChunkDrained);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(pass_round);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(twice.load());
  std::vector<std::uint64_t> left;
  while (const auto place = pop_chunk(list, chunks.base())) left.push_back(*place);
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace replay::spool
