// A fork beside threads that hold what it needs.
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/dropin/program.h"

namespace {

pid_t own_id() { return static_cast<pid_t>(syscall(SYS_gettid)); }

bool waits_for_a_lock(pid_t thread) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", static_cast<int>(thread));
  char text[64] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  EXPECT(file >= 0);
  EXPECT(read(file, text, sizeof(text) - 1) > 0);
  close(file);
  return strtol(text, nullptr, 10) == SYS_futex;
}

void await_lock(const std::atomic<pid_t>& thread) {
  while (thread == 0 || !waits_for_a_lock(thread)) usleep(1000);
}

// One thread holds a stream, a second all streams and waits for that one, and a third one forks,
// which waits for the second: whatever the fork holds by then, the first must be able to allocate.
void among_streams() {
  alarm(60);
  FILE* stream = fopen("/dev/null", "w");
  EXPECT(stream != nullptr);
  flockfile(stream);
  std::atomic<pid_t> flusher = 0;
  std::thread flushes([&] {
    flusher = own_id();
    fflush(nullptr);
  });
  await_lock(flusher);
  std::atomic<pid_t> forker = 0;
  std::thread forks([&] {
    forker = own_id();
    const pid_t child = fork();
    if (child == 0) {
      free(malloc(100));
      _exit(fflush(nullptr));
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(status == 0);
  });
  await_lock(forker);
  void* block = malloc(10 * dropin::kMiB);  // of pages that no thread has of its own
  EXPECT(block != nullptr);
  free(block);
  funlockfile(stream);
  flushes.join();
  forks.join();
  EXPECT(fclose(stream) == 0);
}

constexpr dropin::Case kCases[] = {{"among_streams", among_streams}};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
