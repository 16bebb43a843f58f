#include "replay/engine/memory_calls.h"

// ThreadSanitizer puts signals off, so a trapped call would never be made.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "replay/engine/process_memory.h"

namespace replay {
namespace {

std::uint64_t* call_counts = nullptr;

constexpr int kNumbers[kMemoryCallCount] = {SYS_mmap,    SYS_munmap,   SYS_mremap,
                                            SYS_madvise, SYS_mprotect, SYS_brk};

// Makes the system call from the one place that the filter lets through: the address behind the
// `syscall` instruction, which is what seccomp_data::instruction_pointer holds.
extern "C" const char allocreplay_let_through[];

[[gnu::noinline]] long make_call(long number, const greg_t* args) {
  register long r10 asm("r10") = args[3];
  register long r8 asm("r8") = args[4];
  register long r9 asm("r9") = args[5];
  long result;
  asm volatile(
      "syscall\n"
      ".globl allocreplay_let_through\n"
      ".hidden allocreplay_let_through\n"
      "allocreplay_let_through:\n"
      : "=a"(result)
      : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory");
  return result;
}

void on_sigsys(int, siginfo_t* info, void* context) {
  greg_t* regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  for (int i = 0; i < kMemoryCallCount; ++i) {
    if (kNumbers[i] == info->si_syscall) {
      __atomic_fetch_add(&call_counts[i], 1, __ATOMIC_RELAXED);  // threads call at the same time
    }
  }
  const greg_t args[6] = {regs[REG_RDI], regs[REG_RSI], regs[REG_RDX],
                          regs[REG_R10], regs[REG_R8],  regs[REG_R9]};
  regs[REG_RAX] = make_call(info->si_syscall, args);
}

constexpr sock_filter statement(unsigned code, unsigned k) {
  return {static_cast<unsigned short>(code), 0, 0, k};
}
constexpr sock_filter jump_if_equal(unsigned k, unsigned skip_if_true, unsigned skip_if_false) {
  return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned char>(skip_if_true),
          static_cast<unsigned char>(skip_if_false), k};
}

}  // namespace

bool count_memory_calls(std::uint64_t* counts) {
  // A filter binds the thread that asks for it and those that it starts. An allocator's own thread
  // that is there already could only be bound too if it takes signals.
  if (thread_count() > 1) return false;
  call_counts = counts;
  struct sigaction action = {};
  action.sa_sigaction = on_sigsys;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  sigset_t own;  // which whoever started all this may have had blocked
  ::sigemptyset(&own);
  ::sigaddset(&own, SIGSYS);
  if (::sigaction(SIGSYS, &action, nullptr) != 0 ||
      ::sigprocmask(SIG_UNBLOCK, &own, nullptr) != 0) {
    return false;
  }

  const auto let_through = reinterpret_cast<std::uintptr_t>(&allocreplay_let_through);
  constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr unsigned kReturn = BPF_RET | BPF_K;
  constexpr unsigned kIp = offsetof(seccomp_data, instruction_pointer);
  sock_filter filter[] = {
      statement(kLoad, offsetof(seccomp_data, arch)),
      jump_if_equal(AUDIT_ARCH_X86_64, 0, 12),
      statement(kLoad, offsetof(seccomp_data, nr)),
      jump_if_equal(SYS_mmap, 5, 0),
      jump_if_equal(SYS_munmap, 4, 0),
      jump_if_equal(SYS_mremap, 3, 0),
      jump_if_equal(SYS_madvise, 2, 0),
      jump_if_equal(SYS_mprotect, 1, 0),
      jump_if_equal(SYS_brk, 0, 5),
      statement(kLoad, kIp),
      jump_if_equal(static_cast<unsigned>(let_through), 0, 2),
      statement(kLoad, kIp + 4),
      jump_if_equal(static_cast<unsigned>(let_through >> 32), 1, 0),
      statement(kReturn, SECCOMP_RET_TRAP),
      statement(kReturn, SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace replay

#else

namespace replay {
bool count_memory_calls(std::uint64_t*) { return false; }
}  // namespace replay

#endif
