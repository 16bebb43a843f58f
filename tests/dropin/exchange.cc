// Threads that allocate by every function, resize and free each other's blocks at random, and check
// the contents of each block they come by.
#include "tests/dropin/exchange.h"

#include <dlfcn.h>

#include <thread>
#include <vector>

#include "core/include/mem.h"

namespace {

using dropin::Exchange;
using dropin::Random;

constexpr unsigned kThreads = 4;
constexpr int kTurns = 100'000;

Exchange exchange;

void run_threads(unsigned round) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([seed = kThreads * round + t + 1] {
      Random random(seed);
      for (int turn = 0; turn < kTurns; ++turn) exchange.take_turn(random);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::uint64_t live_blocks() {
  auto* stats = reinterpret_cast<mem_stats_t (*)()>(dlsym(RTLD_DEFAULT, "mem_stats"));
  return stats == nullptr ? 0 : stats().live_blocks;
}

// The second round's threads find the first one's blocks.
void at_random() {
  const std::uint64_t before = live_blocks();
  run_threads(0);
  EXPECT(dropin::check_heap() == 0);
  run_threads(1);
  exchange.end_all();
  EXPECT(live_blocks() <= before + 64);  // the C library keeps some for threads to come
}

// Blocks go round in a ring: each thread frees only what its left neighbour made.
void around_a_ring() {
  static constexpr std::size_t kBatch = 64;
  static std::array<Exchange, kThreads> inboxes;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      Random random(t + 100);
      for (int turn = 0; turn < kTurns; ++turn) {
        const std::size_t i = random.below(kBatch);
        dropin::Piece piece = dropin::make_piece(random, 1 + random.below(300));
        piece = inboxes[(t + 1) % kThreads].swap(i, piece);
        if (piece.data != nullptr) piece = inboxes[(t + 2) % kThreads].swap(i, piece);
        dropin::end_piece(piece);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Exchange& inbox : inboxes) inbox.end_all();
}

constexpr dropin::Case kCases[] = {
    {"at_random", at_random},
    {"around_a_ring", around_a_ring},
};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
