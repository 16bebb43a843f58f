#include "replay/engine/memory_calls.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace replay {
namespace {

std::uint64_t& count(std::uint64_t* counts, MemoryCall call) {
  return counts[static_cast<int>(call)];
}

// In a process of its own, since counting never stops. 0: as expected, 2: cannot count here.
[[noreturn]] void child() {
  static std::uint64_t counts[kMemoryCallCount];
  constexpr std::size_t kBytes = 1 << 20;
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);  // as some supervisors leave it
  if (!count_memory_calls(counts)) ::_exit(2);
  auto* p = static_cast<char*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (p == MAP_FAILED) ::_exit(3);
  p[kBytes - 1] = 1;
  if (::madvise(p, kBytes, MADV_DONTNEED) != 0 || p[kBytes - 1] != 0) ::_exit(4);
  p = static_cast<char*>(::mremap(p, kBytes, 2 * kBytes, MREMAP_MAYMOVE));
  if (p == MAP_FAILED || ::mprotect(p, kBytes, PROT_READ) != 0) ::_exit(5);
  if (::munmap(p, 2 * kBytes) != 0 || ::munmap(p + 1, kBytes) != -1 || errno != EINVAL) ::_exit(6);
  const bool right =
      count(counts, MemoryCall::kMmap) == 1 && count(counts, MemoryCall::kMadvise) == 1 &&
      count(counts, MemoryCall::kMremap) == 1 && count(counts, MemoryCall::kMprotect) == 1 &&
      count(counts, MemoryCall::kMunmap) == 2 && count(counts, MemoryCall::kBrk) == 0;
  ::_exit(right ? 0 : 7);
}

TEST(MemoryCallsTest, CountsTheCallsAndMakesThem) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) child();
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp filter possible here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Which the filter would not bind.
TEST(MemoryCallsTest, WithAThreadThatIsThereAlreadyNothingIsCounted) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    static std::uint64_t counts[kMemoryCallCount];
    std::atomic<bool> is_over{false};
    std::thread other([&] { is_over.wait(false); });
    const bool counted = count_memory_calls(counts);
    is_over = true;
    is_over.notify_all();
    other.join();
    ::_exit(counted ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace replay
