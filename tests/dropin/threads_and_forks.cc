// Threads that allocate, free each other's blocks and exit with thread-local destructors, while the
// main thread forks: each child must be able to allocate, whoever held the heap at that moment.
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

namespace {

std::atomic<bool> is_over{false};
std::atomic<long> rounds{0};

// Frees at thread exit, after whatever a malloc may have torn down by then.
struct Late {
  std::string text = std::string(300, 'x');
  std::vector<std::unique_ptr<int>> numbers;
  ~Late() { numbers.clear(); }
};
thread_local Late late;

void work(unsigned seed) {
  std::map<unsigned, std::string> words;
  while (!is_over) {
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

int run_child() {
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
  for (int i = 0; i < 100; ++i) {
    const long before = rounds;
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);  // a child that hangs on an inherited lock is a failure, not a hang of the test
      _exit(run_child());
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) ++failures;
    while (rounds == before) std::this_thread::yield();
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  if (failures != 0) {
    std::printf("%d children failed\n", failures);
    return 1;
  }
  std::puts("ok");
  return 0;
}
