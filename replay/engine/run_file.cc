#include "replay/engine/run_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "replay/trace/error.h"

namespace replay {
namespace {

// 16 MiB; a heap whose resident pages lie in more runs than that is no heap to draw.
constexpr std::uint64_t kMostPageRuns = 1 << 20;

// The cell of that kind over all lanes.
ClassHistogram sum_of(const LatencyDetail* details, std::uint64_t lanes, std::size_t op,
                      unsigned size_class, bool special) {
  ClassHistogram sum{};
  for (std::uint64_t lane = 0; lane < lanes; ++lane) {
    const ClassHistogram& cell = details[lane].classes[op][size_class][special ? 1 : 0];
    if (cell.count > 0) sum.add(cell);
  }
  return sum;
}

LatencyParts latency_parts(const LatencyDetail* details, std::uint64_t lanes) {
  LatencyParts parts;
  for (std::size_t op = 0; op < kOpCount; ++op) {
    for (unsigned i = 0; i < kSizeClassCount; ++i) {
      for (const bool special : {false, true}) {
        const ClassHistogram sum = sum_of(details, lanes, op, i, special);
        if (sum.count > 0) parts.cells.push_back({static_cast<Op>(op), i, special, sum});
      }
    }
  }
  for (std::uint64_t lane = 0; lane < lanes; ++lane) {
    const LatencyDetail& detail = details[lane];
    for (std::uint32_t i = 0; i < detail.longest.count; ++i) {
      LongCall call = detail.longest.calls[i];
      call.lane = static_cast<std::uint32_t>(lane);
      parts.longest.push_back(call);
    }
    for (std::size_t i = 0; i < kDisturbanceCount; ++i) parts.disturbed[i] += detail.disturbed[i];
    for (std::size_t op = 0; op < kOpCount; ++op) {
      parts.disturbed_by_op[op] += detail.disturbed_by_op[op];
    }
    parts.disturbed_windows.add(detail.disturbed_windows);
  }
  // What one thread sees, all do; the first lane's has the first event.
  parts.preemptions_seen = details[0].preemptions_seen;
  parts.first_touch_known = details[0].first_touch_known;
  return parts;
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
  header.explained_count = request.to_explain.size();
  header.snapshot_pause = request.snapshot_at;
  header.turn_count = request.turns;
  if (request.maps_heap) header.page_run_capacity = kMostPageRuns;
  header.idle.count = static_cast<std::uint32_t>(request.idle_ms.size());
  std::copy(request.idle_ms.begin(), request.idle_ms.end(), header.idle.after_ms);
  const bool is_known = !plan.source || plan.source->is_known;
  if (accounts_for_objects(request.pass) && is_known) {
    header.page_cell_count = PageCounts::cells_for(plan.slot_count, plan.most_live_bytes,
                                                   static_cast<std::uint64_t>(::getpagesize()));
  }
  header.streamed = plan.source.has_value();
  header.slots_ready = is_known ? plan.slot_count : 0;
  header.count_by_perf =
      request.pass == Pass::kInstructions && request.source.tool == InstructionTool::kPerf;
  std::strncpy(header.allocator, request.subject.instance.c_str(), sizeof(header.allocator) - 1);
  bytes_ = run_total_bytes(header);
  fd_ = UniqueFd(::memfd_create("allocreplay-run", MFD_CLOEXEC));
  if (fd_.get() < 0 || ::ftruncate(fd_.get(), static_cast<off_t>(bytes_)) != 0) {
    throw system_error("cannot create a memory file for the run");
  }
  void* mapping = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapping == MAP_FAILED) throw system_error("cannot map the memory file of the run");
  base_ = static_cast<char*>(mapping);
  std::memcpy(base_, &header, sizeof(header));
  write_lanes(plan);
  write_pauses(plan);
  std::copy(request.to_explain.begin(), request.to_explain.end(),
            reinterpret_cast<ExplainedCall*>(base_ + run_explained_offset(header)));
}

RunFile::~RunFile() { ::munmap(base_, bytes_); }

void RunFile::write_lanes(const Plan& plan) {
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    const LanePlan& from = plan.lanes[i];
    LaneRun& to = lanes()[i];
    to.first_word = from.first_word;
    to.word_count = from.word_count;
    to.words_ready = plan.source ? 0 : kAllWords;
    to.event_count = from.event_count;
    to.warmup_events = from.warmup_events;
    to.first_due = from.first_due;
  }
}

void RunFile::write_pauses(const Plan& plan) {
  auto* pauses = reinterpret_cast<std::uint64_t*>(base_ + run_pauses_offset(header()));
  for (const Checkpoint& point : plan.checkpoints) {
    for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
      const std::uint64_t word = plan.source ? kAllWords : point.words[i];
      *pauses++ = word | (plan.lane_is_alive(i, point) ? 0 : kNobody);
    }
  }
}

void RunFile::set_event_fds(int hungry, int fed) {
  mutable_header().hungry_fd = hungry;
  mutable_header().fed_fd = fed;
}

void RunFile::set_pause(std::uint64_t i, std::size_t lane, std::uint64_t word) {
  auto* pauses = reinterpret_cast<std::uint64_t*>(base_ + run_pauses_offset(header()));
  std::uint64_t& pause = pauses[i * header().lane_count + lane];
  pause = word | (pause & kNobody);
}

void RunFile::set_slots_ready(std::uint64_t slots) {
  if (slots > header().slots_ready) mutable_header().slots_ready = slots;
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
  out.timer_resolution_ns = h.timer_resolution_ns;
  out.timer_is_tsc = h.timer_is_tsc;
  out.minor_faults = h.minor_faults;
  out.major_faults = h.major_faults;
  out.baseline = h.baseline;
  out.usable_known = h.usable_known;
  out.occupied_known = h.occupied_known;
  out.idle = h.idle;
  out.snapshot = h.snapshot;
  out.high_water_bytes = h.high_water_bytes;
  out.memory_calls_counted = h.memory_calls_counted;
  std::copy(std::begin(h.memory_calls), std::end(h.memory_calls), out.memory_calls.begin());
  out.addresses_fixed = h.addresses_fixed;
  std::copy(std::begin(h.counters), std::end(h.counters), out.counters.begin());
  out.malloc_object = h.malloc_object;
  add_lanes(out);
  if (samples_memory(h.pass)) {
    const auto* samples = reinterpret_cast<const MemorySample*>(base_ + run_samples_offset(h));
    out.samples.assign(samples, samples + h.pause_count);
  }
  if (h.pass == Pass::kLatency) {
    out.histograms = histograms(LatencyKind::kService);
    if (h.pace > 0) out.responses = histograms(LatencyKind::kResponse);
    out.latency = latency_parts(
        reinterpret_cast<const LatencyDetail*>(base_ + run_details_offset(h)), h.lane_count);
  }
  if (h.pass == Pass::kCallCounters) {
    const auto* counts = reinterpret_cast<const CallCounts*>(base_ + run_call_counts_offset(h));
    for (std::uint64_t i = 0; i < h.lane_count; ++i) out.call_counts.add(counts[i]);
  }
  if (h.page_run_capacity > 0) add_heap(out);
  const auto* turns = reinterpret_cast<const SoakTurn*>(base_ + run_turns_offset(h));
  out.turns.assign(turns, turns + h.turn_count);
  const auto* explained = reinterpret_cast<const ExplainedCall*>(base_ + run_explained_offset(h));
  out.explained.assign(explained, explained + h.explained_count);
  return out;
}

void RunFile::add_heap(RunOutcome& out) const {
  const RunHeader& h = header();
  const auto* objects = reinterpret_cast<const LiveObject*>(base_ + run_objects_offset(h));
  std::copy_if(objects, objects + accounted_slots(h), std::back_inserter(out.live_objects),
               [](const LiveObject& object) { return object.address != nullptr; });
  const auto* runs = reinterpret_cast<const PageRun*>(base_ + run_page_runs_offset(h));
  out.page_runs.assign(runs, runs + std::min(h.snapshot.runs, h.page_run_capacity));
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
