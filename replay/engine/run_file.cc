#include "replay/engine/run_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "replay/trace/error.h"

namespace replay {
namespace {

[[noreturn]] void fail(const char* what) {
  throw Error(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

RunFile::RunFile(const Plan& plan, const RunRequest& request) {
  RunHeader header{};
  header.pass = request.pass;
  header.touch = request.touch;
  header.pace = request.pace;
  header.word_count = plan.word_count;
  header.lane_count = plan.lanes.size();
  header.slot_count = plan.slot_count;
  header.pause_count = plan.checkpoints.size();
  std::strncpy(header.allocator, request.subject.instance.c_str(), sizeof(header.allocator) - 1);
  bytes_ = run_total_bytes(header);
  fd_ = UniqueFd(::memfd_create("allocreplay-run", MFD_CLOEXEC));
  if (fd_.get() < 0 || ::ftruncate(fd_.get(), static_cast<off_t>(bytes_)) != 0) {
    fail("cannot create a memory file for the run");
  }
  void* mapping = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapping == MAP_FAILED) fail("cannot map the memory file of the run");
  base_ = static_cast<char*>(mapping);
  std::memcpy(base_, &header, sizeof(header));
  write_lanes(plan);
  write_pauses(plan);
}

RunFile::~RunFile() { ::munmap(base_, bytes_); }

void RunFile::write_lanes(const Plan& plan) {
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    const LanePlan& from = plan.lanes[i];
    LaneRun& to = lanes()[i];
    to.first_word = from.first_word;
    to.word_count = from.word_count;
    to.event_count = from.event_count;
    to.warmup_events = from.warmup_events;
    to.first_due = from.first_due;
  }
}

void RunFile::write_pauses(const Plan& plan) {
  auto* pauses = reinterpret_cast<std::uint64_t*>(base_ + run_pauses_offset(header()));
  for (const Checkpoint& point : plan.checkpoints) {
    for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
      *pauses++ = point.words[i] | (plan.lane_is_alive(i, point) ? 0 : kNobody);
    }
  }
}

double RunFile::share_done() const {
  std::uint64_t done = 0;
  std::uint64_t all = 0;
  for (std::uint64_t i = 0; i < header().lane_count; ++i) {
    done += __atomic_load_n(&lanes()[i].words_done, __ATOMIC_RELAXED);
    all += lanes()[i].word_count;
  }
  return static_cast<double>(done) / static_cast<double>(all);
}

RunOutcome RunFile::outcome() const {
  const RunHeader& h = header();
  RunOutcome out;
  out.elapsed_ns = h.elapsed_ns;
  out.ns_per_tick = h.ns_per_tick;
  out.timer_cost_ns = h.timer_cost_ns;
  out.timer_is_tsc = h.timer_is_tsc;
  out.minor_faults = h.minor_faults;
  out.major_faults = h.major_faults;
  out.baseline = h.baseline;
  out.high_water_bytes = h.high_water_bytes;
  out.memory_calls_counted = h.memory_calls_counted;
  std::copy(std::begin(h.memory_calls), std::end(h.memory_calls), out.memory_calls.begin());
  out.malloc_object = h.malloc_object;
  add_lanes(out);
  if (h.pass == Pass::kMemory) {
    const auto* samples = reinterpret_cast<const MemorySample*>(base_ + run_samples_offset(h));
    out.samples.assign(samples, samples + h.pause_count);
  }
  if (h.pass == Pass::kLatency) {
    out.histograms = histograms(LatencyKind::kService);
    if (h.pace > 0) out.responses = histograms(LatencyKind::kResponse);
  }
  return out;
}

void RunFile::add_lanes(RunOutcome& out) const {
  for (std::uint64_t i = 0; i < header().lane_count; ++i) {
    const LaneRun& lane = lanes()[i];
    out.failed_allocations += lane.failed_allocations;
    out.concurrency.waits_blocked += lane.waits_blocked;
    out.concurrency.waits_slept += lane.waits_slept;
    out.concurrency.waited_ns += lane.waited_ns;
    out.concurrency.busy_ns += lane.busy_ns;
    out.concurrency.overlapped_events += lane.overlapped_events;
  }
}

// Of all lanes together, one an Op.
std::vector<TickHistogram> RunFile::histograms(LatencyKind kind) const {
  std::vector<TickHistogram> sums(kOpCount);
  const auto* all = reinterpret_cast<const TickHistogram*>(base_ + run_histograms_offset(header()));
  for (std::uint64_t lane = 0; lane < header().lane_count; ++lane) {
    const TickHistogram* of_lane =
        all + lane * kHistogramsOfLane + static_cast<std::size_t>(kind) * kOpCount;
    for (std::size_t op = 0; op < kOpCount; ++op) sums[op].add(of_lane[op]);
  }
  return sums;
}

}  // namespace replay
