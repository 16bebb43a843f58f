#include "replay/engine/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "replay/engine/plan_feed.h"
#include "replay/engine/run_file.h"
#include "replay/engine/still_clock.h"
#include "replay/trace/error.h"

extern char** environ;

namespace replay {
namespace {

constexpr int kAnyCpu = -1;

std::vector<std::string> worker_environment(const std::vector<std::string>& libraries) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "LD_PRELOAD=", 11) != 0) result.emplace_back(*entry);
  }
  if (!libraries.empty()) result.push_back(fmt::format("LD_PRELOAD={}", fmt::join(libraries, ":")));
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

// The worker's stdout and stderr, kept for the error message should it die.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot create a pipe");
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
};

// How a worker process is started.
struct Start {
  std::vector<std::string> command;
  std::vector<std::string> libraries;  // preloaded, in this order
  std::vector<int> inherited;          // files that it finds under the same numbers
  int stderr_fd;
  int cpu;  // the only one that the worker may use; kAnyCpu leaves it all that this process has
  bool fixed_addresses;
};

pid_t spawn(Start start) {
  std::vector<std::string> env = worker_environment(start.libraries);
  const std::vector<char*> argv = pointers(start.command);
  const std::vector<char*> envp = pointers(env);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (start.cpu != kAnyCpu) CPU_SET(static_cast<std::size_t>(start.cpu), &cpus);
  const pid_t child = ::fork();
  if (child != 0) return child;
  // Only async-signal-safe calls from here on.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (start.cpu != kAnyCpu) ::sched_setaffinity(0, sizeof(cpus), &cpus);
  if (start.fixed_addresses) ::personality(ADDR_NO_RANDOMIZE);
  for (const int fd : start.inherited) ::fcntl(fd, F_SETFD, 0);
  ::dup2(start.stderr_fd, STDERR_FILENO);
  ::dup2(start.stderr_fd, STDOUT_FILENO);  // ours is for the result, whatever a library prints
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

int wait_status(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

// Until the worker is gone: reads its stderr, reports progress, feeds it.
void attend(pid_t child, int stderr_fd, const RunFile& run, PlanFeed* feed,
            const ProgressFn& progress, std::string& last_words) {
  constexpr int kTickMs = 100;
  constexpr std::size_t kKeepBytes = 2000;
  pollfd polled[] = {{stderr_fd, POLLIN, 0}, {feed == nullptr ? -1 : feed->hungry_fd(), POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(polled, 2, kTickMs);
    if (progress) progress(feed == nullptr ? run.share_done() : feed->share_done());
    if (ready <= 0) continue;
    if (polled[1].revents != 0) feed->serve();
    if (polled[0].revents == 0) continue;
    char text[512];
    const ssize_t length = ::read(stderr_fd, text, sizeof(text));
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;  // the worker has closed its end: as a rule it is gone
    last_words.append(text, static_cast<std::size_t>(length));
    if (last_words.size() > kKeepBytes) last_words.erase(0, last_words.size() - kKeepBytes);
  }
  // A library may have closed it, and the worker still be hungry.
  constexpr int kGoneMs = 1;
  while (feed != nullptr && !has_ended(child)) {
    if (::poll(&polled[1], 1, kGoneMs) > 0) feed->serve();
  }
}

// The same, and its wait status. A worker that cannot be fed is ended.
int wait_for(pid_t child, int stderr_fd, const RunFile& run, PlanFeed* feed,
             const ProgressFn& progress, std::string& last_words) {
  try {
    attend(child, stderr_fd, run, feed, progress, last_words);
  } catch (...) {
    ::kill(child, SIGKILL);
    wait_status(child);
    throw;
  }
  return wait_status(child);
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

void require_success(const RunFile& run, const RunRequest& request, int status,
                     const std::string& last_words) {
  const bool done =
      WIFEXITED(status) && WEXITSTATUS(status) == 0 && run.header().status == WorkerStatus::kDone;
  if (done) return;
  std::string how;
  if (WIFSIGNALED(status)) {
    how = fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                      ::strsignal(WTERMSIG(status)));
  } else if (run.header().status == WorkerStatus::kCannotMap) {
    how = "had no memory for the plan";
  } else if (run.header().status == WorkerStatus::kCannotStartThread) {
    how = "could not start as many threads as the trace has; try --threads 8";
  } else {
    how = fmt::format("ended early with status {}", WEXITSTATUS(status));
  }
  throw Error(fmt::format("the worker replaying with {} {}{}{}", request.subject.name, how,
                          last_words.empty() ? "" : "; it said: ", one_line(last_words)));
}

void require_preloaded(const RunRequest& request, const RunOutcome& outcome,
                       const std::string& last_words) {
  if (request.subject.library.empty()) return;
  std::error_code ignored;
  if (std::filesystem::equivalent(outcome.malloc_object, request.subject.library, ignored)) return;
  throw Error(
      fmt::format("{} did not take over malloc, which came from {}; is it a malloc library "
                  "for this machine?{}{}",
                  request.subject.library, outcome.malloc_object,
                  last_words.empty() ? "" : " The loader said: ", one_line(last_words)));
}

std::string still_clock_library(const std::string& program_dir) {
  const auto library =
      std::filesystem::path(program_dir).parent_path() / "lib" / kStillClockLibrary;
  if (::access(library.c_str(), R_OK) != 0) throw system_error("cannot read " + library.string());
  return library.string();
}

// Where callgrind writes what it counted.
class ProfileFile {
 public:
  ProfileFile() : fd_(::memfd_create("allocreplay-profile", MFD_CLOEXEC)) {
    if (fd_.get() < 0) throw system_error("cannot create a memory file for the profile");
  }
  int fd() const { return fd_.get(); }

  std::string text() const {
    std::string text;
    char buffer[1 << 16];
    for (;;) {
      const ssize_t length =
          ::pread(fd_.get(), buffer, sizeof(buffer), static_cast<off_t>(text.size()));
      if (length < 0) throw system_error("cannot read the profile");
      if (length == 0) return text;
      text.append(buffer, static_cast<std::size_t>(length));
    }
  }

 private:
  UniqueFd fd_;
};

InstructionCount counted_by_perf(const RunOutcome& outcome) {
  const CounterReading& reading =
      outcome.counters[static_cast<std::size_t>(Counter::kInstructions)];
  // A share below one is an estimate, and this is the figure that has to be exact.
  if (!reading.counted || reading.running_share < 1) {
    throw Error(
        "perf_event_open did not count the worker's instructions all the time; "
        "try --cost-by callgrind");
  }
  InstructionCount count;
  count.instructions = reading.value;
  return count;
}

}  // namespace

RunOutcome Launcher::run(const Plan& plan, const RunRequest& request,
                         const ProgressFn& progress) const {
  RunFile run(plan, request);
  const std::string program = program_dir_ + "/allocreplay-worker";
  if (::access(program.c_str(), X_OK) != 0) throw system_error("cannot run " + program);
  std::optional<PlanFeed> feed;
  if (plan.source) feed.emplace(plan, run);
  const int plan_fd = feed ? feed->plan_fd() : plan.memory.get();
  Pipe pipe;
  Start start{{program, std::to_string(plan_fd), std::to_string(run.fd())},
              {},
              {plan_fd, run.fd()},
              pipe.write.get(),
              plan.lanes.size() == 1 ? request.cpu : kAnyCpu,
              is_repeatable(request.pass)};
  if (!request.subject.library.empty()) start.libraries.push_back(request.subject.library);
  if (is_repeatable(request.pass)) start.libraries.push_back(still_clock_library(program_dir_));
  if (feed) start.inherited.insert(start.inherited.end(), {feed->hungry_fd(), feed->fed_fd()});
  std::optional<ProfileFile> profile;
  if (request.pass == Pass::kInstructions && request.source.tool == InstructionTool::kCallgrind) {
    profile.emplace();
    start.inherited.push_back(profile->fd());
    const std::vector<std::string> before =
        callgrind_command(request.source.valgrind, profile->fd());
    start.command.insert(start.command.begin(), before.begin(), before.end());
  }
  const pid_t child = spawn(std::move(start));
  if (child < 0) throw system_error("cannot start a worker process");
  pipe.write = UniqueFd();
  std::string last_words;
  const int status =
      wait_for(child, pipe.read.get(), run, feed ? &*feed : nullptr, progress, last_words);
  require_success(run, request, status, last_words);
  RunOutcome outcome = run.outcome();
  require_preloaded(request, outcome, last_words);
  // Not of one that was looked at before the end.
  if (feed && request.pass != Pass::kSnapshot)
    outcome.compiled = std::make_shared<Plan>(feed->finish());
  if (request.pass == Pass::kInstructions) {
    outcome.instructions = profile ? parse_callgrind(profile->text()) : counted_by_perf(outcome);
  }
  return outcome;
}

int pick_cpu() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return 0;
  for (int cpu = CPU_SETSIZE - 1; cpu > 0; --cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &cpus)) return cpu;
  }
  return 0;
}

}  // namespace replay
