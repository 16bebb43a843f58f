// Threads that allocate, free each other's blocks and exit with thread-local destructors, while the
// main thread forks: each child must be able to allocate, and to resize and free what any thread of
// its parent made, whoever held the heap at that moment.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/dropin/exchange.h"

namespace {

using dropin::Exchange;
using dropin::Piece;
using dropin::Random;

std::atomic<bool> is_over{false};
std::atomic<long> rounds{0};
Exchange exchange;

// Frees at thread exit, after whatever a malloc may have torn down by then.
struct Late {
  std::string text = std::string(300, 'x');
  std::vector<std::unique_ptr<int>> numbers;
  ~Late() { numbers.clear(); }
};
thread_local Late late;

void work(unsigned seed) {
  std::map<unsigned, std::string> words;
  Random random(seed);
  while (!is_over) {
    for (int i = 0; i < 50; ++i) exchange.take_turn(random);
    for (int i = 0; i < 200; ++i) {
      seed = seed * 1664525 + 1013904223;
      words[seed % 512] = std::string(seed % 3000, static_cast<char>('a' + seed % 26));
      if (seed % 3 == 0) words.erase((seed >> 8) % 512);
    }
    late.numbers.push_back(std::make_unique<int>(1));
    ++rounds;
    // Short-lived threads, whose first call here may be a free.
    auto* text = new std::string(1000, 'y');
    std::thread([text] { delete text; }).join();
  }
}

// Handlers of other libraries may allocate on both sides of a fork.
void allocate_in_handler() { std::free(std::malloc(200)); }

// The threads that made these are no more.
void inherit(Random& random) {
  for (std::size_t i = 0; i < Exchange::kSlots; ++i) {
    Piece piece = exchange.take_if_open(i);
    if (piece.data == nullptr) continue;
    EXPECT(piece.is_whole());
    if (i % 4 == 0) dropin::resize_piece(random, piece, 1 + random.below(5000));
    dropin::end_piece(piece);
  }
}

int run_child(unsigned round) {
  Random random(round);
  if (round % 2 == 0) inherit(random);
  if (round % 5 == 0) {  // a child of the child, which frees what is left
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      inherit(random);
      _exit(dropin::check_heap());
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) return 1;
  }
  std::thread([&random] { inherit(random); }).join();
  if (dropin::check_heap() != 0) return 1;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < 500; ++i) all.push_back(std::string(i * 7, 'c'));
  std::thread([&all] { all.clear(); }).join();
  return all.empty() ? 0 : 1;
}

}  // namespace

int main() {
  pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) threads.emplace_back(work, t + 1);
  int failures = 0;
  for (unsigned i = 0; i < 100 && failures == 0; ++i) {
    const long before = rounds;
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);  // a child that hangs on an inherited lock is a failure, not a hang of the test
      _exit(run_child(i));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) ++failures;
    while (rounds == before) std::this_thread::yield();
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  exchange.end_all();
  if (failures != 0) {
    std::printf("%d children failed\n", failures);
    return 1;
  }
  std::puts("ok");
  return 0;
}
