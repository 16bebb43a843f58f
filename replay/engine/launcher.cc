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

#include "replay/engine/still_clock.h"
#include "replay/trace/error.h"

extern char** environ;

namespace replay {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(fmt::format("{}: {}", what, std::strerror(errno)));
}

LatencyParts latency_parts(const LatencyDetail& detail) {
  LatencyParts parts;
  for (int op = 0; op < kOpCount; ++op) {
    for (unsigned i = 0; i < kSizeClassCount; ++i) {
      for (const bool special : {false, true}) {
        const ClassHistogram& histogram = detail.classes[op][i][special ? 1 : 0];
        if (histogram.count > 0)
          parts.cells.push_back({static_cast<Op>(op), i, special, histogram});
      }
    }
  }
  parts.longest.assign(detail.longest.calls, detail.longest.calls + detail.longest.count);
  std::copy(std::begin(detail.disturbed), std::end(detail.disturbed), parts.disturbed.begin());
  std::copy(std::begin(detail.disturbed_by_op), std::end(detail.disturbed_by_op),
            parts.disturbed_by_op.begin());
  parts.disturbed_windows = detail.disturbed_windows;
  parts.preemptions_seen = detail.preemptions_seen;
  parts.first_touch_known = detail.first_touch_known;
  return parts;
}

// The memory file of one repetition, mapped.
class RunFile {
 public:
  RunFile(const Plan& plan, const RunRequest& request) {
    RunHeader header{};
    header.pass = request.pass;
    header.touch = request.touch;
    header.word_count = plan.word_count;
    header.slot_count = plan.slot_count;
    header.pause_count = plan.checkpoints.size();
    header.count_by_perf =
        request.pass == Pass::kInstructions && request.source.tool == InstructionTool::kPerf;
    std::strncpy(header.allocator, request.subject.instance.c_str(), sizeof(header.allocator) - 1);
    header.explained_count = request.to_explain.size();
    bytes_ = run_total_bytes(header);
    fd_ = UniqueFd(::memfd_create("allocreplay-run", MFD_CLOEXEC));
    if (fd_.get() < 0 || ::ftruncate(fd_.get(), static_cast<off_t>(bytes_)) != 0) {
      fail("cannot create a memory file for the run");
    }
    void* mapping = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (mapping == MAP_FAILED) fail("cannot map the memory file of the run");
    base_ = static_cast<char*>(mapping);
    std::memcpy(base_, &header, sizeof(header));
    auto* pauses = reinterpret_cast<std::uint64_t*>(base_ + run_pauses_offset(header));
    for (const Checkpoint& point : plan.checkpoints) *pauses++ = point.word;
    std::copy(request.to_explain.begin(), request.to_explain.end(),
              reinterpret_cast<ExplainedCall*>(base_ + run_explained_offset(header)));
  }
  ~RunFile() { ::munmap(base_, bytes_); }
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;

  int fd() const { return fd_.get(); }
  const RunHeader& header() const { return *reinterpret_cast<const RunHeader*>(base_); }

  double share_done() const {
    const auto* done = &header().pauses_done;
    const auto count = header().pause_count;
    return count < 2 ? 0.0
                     : static_cast<double>(__atomic_load_n(done, __ATOMIC_RELAXED)) /
                           static_cast<double>(count - 1);
  }

  RunOutcome outcome() const {
    const RunHeader& h = header();
    RunOutcome out;
    out.elapsed_ns = h.elapsed_ns;
    out.ns_per_tick = h.ns_per_tick;
    out.timer_cost_ns = h.timer_cost_ns;
    out.timer_resolution_ns = h.timer_resolution_ns;
    out.timer_is_tsc = h.timer_is_tsc;
    out.failed_allocations = h.failed_allocations;
    out.minor_faults = h.minor_faults;
    out.major_faults = h.major_faults;
    out.baseline = h.baseline;
    out.high_water_bytes = h.high_water_bytes;
    out.memory_calls_counted = h.memory_calls_counted;
    std::copy(std::begin(h.memory_calls), std::end(h.memory_calls), out.memory_calls.begin());
    out.addresses_fixed = h.addresses_fixed;
    std::copy(std::begin(h.counters), std::end(h.counters), out.counters.begin());
    out.malloc_object = h.malloc_object;
    if (h.pass == Pass::kMemory) {
      const auto* samples = reinterpret_cast<const MemorySample*>(base_ + run_samples_offset(h));
      out.samples.assign(samples, samples + h.pause_count);
    }
    if (h.pass == Pass::kLatency) {
      const auto* first = reinterpret_cast<const TickHistogram*>(base_ + run_histograms_offset(h));
      out.histograms.assign(first, first + kOpCount);
      out.latency =
          latency_parts(*reinterpret_cast<const LatencyDetail*>(base_ + run_details_offset(h)));
    }
    const auto* explained = reinterpret_cast<const ExplainedCall*>(base_ + run_explained_offset(h));
    out.explained.assign(explained, explained + h.explained_count);
    return out;
  }

 private:
  UniqueFd fd_;
  char* base_ = nullptr;
  std::size_t bytes_ = 0;
};

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

// The worker's stderr, kept for the error message should it die.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot create a pipe");
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
  int cpu;
  bool fixed_addresses;
};

pid_t spawn(Start start) {
  std::vector<std::string> env = worker_environment(start.libraries);
  const std::vector<char*> argv = pointers(start.command);
  const std::vector<char*> envp = pointers(env);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<std::size_t>(start.cpu), &cpus);
  const pid_t child = ::fork();
  if (child != 0) return child;
  // Only async-signal-safe calls from here on.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::sched_setaffinity(0, sizeof(cpus), &cpus);
  if (start.fixed_addresses) ::personality(ADDR_NO_RANDOMIZE);
  for (const int fd : start.inherited) ::fcntl(fd, F_SETFD, 0);
  ::dup2(start.stderr_fd, STDERR_FILENO);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

// Waits for the worker while reading its stderr and reporting progress. Returns its wait status.
int wait_for(pid_t child, int stderr_fd, const RunFile& run, const ProgressFn& progress,
             std::string& last_words) {
  constexpr int kTickMs = 100;
  constexpr std::size_t kKeepBytes = 2000;
  pollfd poll_fd{stderr_fd, POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&poll_fd, 1, kTickMs);
    if (progress) progress(run.share_done());
    if (ready <= 0) continue;
    char text[512];
    const ssize_t length = ::read(stderr_fd, text, sizeof(text));
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;  // the worker has closed its end: it is gone
    if (last_words.size() < kKeepBytes) last_words.append(text, static_cast<std::size_t>(length));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
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
  if (::access(library.c_str(), R_OK) != 0) fail("cannot read " + library.string());
  return library.string();
}

// Where callgrind writes what it counted.
class ProfileFile {
 public:
  ProfileFile() : fd_(::memfd_create("allocreplay-profile", MFD_CLOEXEC)) {
    if (fd_.get() < 0) fail("cannot create a memory file for the profile");
  }
  int fd() const { return fd_.get(); }

  std::string text() const {
    std::string text;
    char buffer[1 << 16];
    for (;;) {
      const ssize_t length =
          ::pread(fd_.get(), buffer, sizeof(buffer), static_cast<off_t>(text.size()));
      if (length < 0) fail("cannot read the profile");
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
  if (::access(program.c_str(), X_OK) != 0) fail("cannot run " + program);
  Pipe pipe;
  Start start{{program, std::to_string(plan.memory.get()), std::to_string(run.fd())},
              {},
              {plan.memory.get(), run.fd()},
              pipe.write.get(),
              request.cpu,
              is_repeatable(request.pass)};
  if (!request.subject.library.empty()) start.libraries.push_back(request.subject.library);
  if (is_repeatable(request.pass)) start.libraries.push_back(still_clock_library(program_dir_));
  std::optional<ProfileFile> profile;
  if (request.pass == Pass::kInstructions && request.source.tool == InstructionTool::kCallgrind) {
    profile.emplace();
    start.inherited.push_back(profile->fd());
    const std::vector<std::string> before =
        callgrind_command(request.source.valgrind, profile->fd());
    start.command.insert(start.command.begin(), before.begin(), before.end());
  }
  const pid_t child = spawn(std::move(start));
  if (child < 0) fail("cannot start a worker process");
  pipe.write = UniqueFd();
  std::string last_words;
  const int status = wait_for(child, pipe.read.get(), run, progress, last_words);
  require_success(run, request, status, last_words);
  RunOutcome outcome = run.outcome();
  require_preloaded(request, outcome, last_words);
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
