#include "replay/record/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "replay/record/stamp.h"
#include "replay/trace/error.h"

namespace replay {

namespace {

constexpr int kHeldSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void set_environment(const std::string& library, const SpoolDirectory& spool) {
  const char* others = std::getenv("LD_PRELOAD");
  const std::string preload =
      others != nullptr && *others != '\0' ? library + ':' + others : library;
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
  ::setenv(spool::kDirectoryVariable, spool.path().c_str(), 1);
}

// In the child: becomes the program or tells the parent why not.
[[noreturn]] void become_program(const std::vector<std::string>& command,
                                 const std::string& library, SpoolDirectory& spool,
                                 const SignalHold& signals, int report_fd) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  set_environment(library, spool);
  spool.control().root_pid = ::getpid();
  spool.control().root_namespace = spool::own_pid_namespace();
  signals.give_back();
  ::execvp(arguments[0], arguments.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(report_fd, &error, sizeof(error));
  ::_exit(127);
}

void reap(pid_t pid, int& status) {
  while (::waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
}

// The child's errno if it could not become the program, else 0.
int exec_error(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof(error));
  } while (got == -1 && errno == EINTR);
  return got == ssize_t{sizeof(error)} ? error : 0;
}

// Negative and positive codes: SI_USER, SI_TKILL, SI_QUEUE come from a process; SI_KERNEL is the
// terminal, which signals its whole foreground group.
bool sent_by_process(const siginfo_t& info) { return info.si_code <= 0; }

std::uint64_t nanoseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000u;
}

Fate wait_for_end(pid_t pid, const SignalHold& signals, const WhileItRuns& calls) {
  sigset_t awaited = signals.held();
  ::sigaddset(&awaited, SIGCHLD);
  if (signals.command() != 0) ::sigaddset(&awaited, signals.command());
  const std::uint64_t begin = spool::read_clock_ns(CLOCK_MONOTONIC_RAW);
  constexpr std::uint64_t kTickNs = 250'000'000;
  std::uint64_t last_tick = begin;
  std::uint64_t next_drain = begin;
  const std::uint64_t own_begin = spool::read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  Fate fate;
  rusage usage{};
  for (pid_t ended = 0; (ended = ::wait4(pid, &fate.wait_status, WNOHANG, &usage)) != pid;) {
    if (ended == -1 && errno == ECHILD) {
      throw Error("the program has ended, but not how: somebody else has waited for it");
    }
    // By the clock, for signals may come faster than what is due.
    std::uint64_t now = spool::read_clock_ns(CLOCK_MONOTONIC_RAW);
    if (now >= next_drain) {
      const std::uint64_t pause = calls.drain();
      now = spool::read_clock_ns(CLOCK_MONOTONIC_RAW);
      next_drain = now + pause;
    }
    const timespec pause{0, static_cast<long>(std::min(next_drain - now, kTickNs))};
    siginfo_t info{};
    const int signal = ::sigtimedwait(&awaited, &info, &pause);
    if (signal > 0 && signal == signals.command()) {
      calls.command();
    } else if (signal > 0 && signal != SIGCHLD && sent_by_process(info)) {
      ::kill(pid, signal);
    }
    now = spool::read_clock_ns(CLOCK_MONOTONIC_RAW);
    if (now - last_tick < kTickNs) continue;
    last_tick = now;
    calls.tick();
  }
  signals.forget_pending();
  fate.wall_ns = spool::read_clock_ns(CLOCK_MONOTONIC_RAW) - begin;
  fate.recorder_ns = spool::read_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_begin;
  fate.user_ns = nanoseconds(usage.ru_utime);
  fate.system_ns = nanoseconds(usage.ru_stime);
  fate.peak_resident_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
  return fate;
}

}  // namespace

bool Fate::succeeded() const { return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0; }

std::string Fate::text() const {
  if (WIFEXITED(wait_status)) return fmt::format("exited with code {}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
}

nlohmann::ordered_json Fate::json() const {
  if (WIFEXITED(wait_status)) return {{"kind", "exited"}, {"code", WEXITSTATUS(wait_status)}};
  const int signal = WTERMSIG(wait_status);
  return {{"kind", "killed"}, {"signal", signal}, {"name", ::strsignal(signal)}};
}

nlohmann::ordered_json Fate::usage_json() const {
  return {{"wall_ns", wall_ns},
          {"user_ns", user_ns},
          {"system_ns", system_ns},
          {"peak_resident_kib", peak_resident_kib},
          {"recorder_ns", recorder_ns}};
}

SignalHold::SignalHold(int command) : command_(command) {
  ::sigemptyset(&held_);
  for (const int signal : kHeldSignals) ::sigaddset(&held_, signal);
  sigset_t blocked = held_;
  ::sigaddset(&blocked, SIGCHLD);  // otherwise an end between waitpid and sigtimedwait is missed
  if (command != 0) ::sigaddset(&blocked, command);
  ::sigprocmask(SIG_BLOCK, &blocked, &before_);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &action, &child_before_);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &action, &size_before_);
  ::sigaction(SIGPIPE, &action, &pipe_before_);
}

void SignalHold::give_back() const {
  ::sigaction(SIGCHLD, &child_before_, nullptr);
  ::sigaction(SIGXFSZ, &size_before_, nullptr);
  ::sigaction(SIGPIPE, &pipe_before_, nullptr);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

SignalHold::~SignalHold() {
  if (command_ != 0) ::signal(command_, SIG_IGN);  // one that comes late is no reason to die
  give_back();
}

int SignalHold::take_pending() const {
  constexpr timespec kNow{0, 0};
  return ::sigtimedwait(&held_, nullptr, &kNow);
}

void SignalHold::forget_pending() const {
  while (take_pending() > 0) {
  }
}

bool SignalHold::interrupted() {
  for (int signal = take_pending(); signal > 0; signal = take_pending()) {
    if (signal == SIGINT || signal == SIGQUIT) return true;
    if (signal == SIGTERM && std::exchange(terminated_, true)) return true;
  }
  return false;
}

Fate run_program(const std::vector<std::string>& command, const std::string& library,
                 SpoolDirectory& spool, const SignalHold& signals, const WhileItRuns& calls) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) throw system_error("cannot make a pipe");
  const pid_t pid = ::fork();
  if (pid == 0) become_program(command, library, spool, signals, report[1]);
  const int fork_error = errno;
  ::close(report[1]);
  const int error = pid > 0 ? exec_error(report[0]) : fork_error;
  ::close(report[0]);
  if (error != 0) {
    int status = 0;
    if (pid > 0) reap(pid, status);
    throw Error(fmt::format("{}: cannot be run: {}", command[0], std::strerror(error)));
  }
  return wait_for_end(pid, signals, calls);
}

}  // namespace replay
