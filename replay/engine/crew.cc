#include "replay/engine/crew.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/bits.h"
#include "replay/engine/timer.h"

namespace replay {
namespace {

// A few microseconds: about what it takes to sleep and be woken.
constexpr unsigned kSpins = 200;
// Of each stack; touched, lest what the allocator's calls use of it cost page faults.
constexpr std::size_t kTouchedStackBytes = 64 * 1024;

}  // namespace

Crew::Crew(RunHeader& run, LaneRun* lanes, const std::uint64_t* pauses, Body body, void* context)
    : run_(run), lanes_(lanes), pauses_(pauses), body_(body), context_(context) {
  CPU_ZERO(&cpus_);
  ::sched_getaffinity(0, sizeof(cpus_), &cpus_);
  spins_ = CPU_COUNT(&cpus_) > 1 ? kSpins : 0;
}

bool Crew::prepare() {
  const std::size_t bytes = run_.lane_count * kStackBytes;
  void* stacks = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED) return false;
  stacks_ = static_cast<char*>(stacks);
  for (std::size_t lane = 1; lane <= run_.lane_count; ++lane) {
    char* top = stacks_ + lane * kStackBytes;
    for (std::size_t i = mem::kPageBytes; i <= kTouchedStackBytes; i += mem::kPageBytes)
      *(top - i) = 0;
  }
  pin(lanes_[0]);
  return true;
}

// Where there is a CPU for each lane, the last one is the first lane's: the first ones serve most
// interrupts. Else the kernel places the threads, as it does with those of any program.
void Crew::pin(const LaneRun& lane) const {
  if (run_.lane_count > static_cast<std::uint64_t>(CPU_COUNT(&cpus_))) return;
  std::size_t left = number_of(lane);
  for (std::size_t cpu = CPU_SETSIZE; cpu-- > 0;) {
    if (!CPU_ISSET(cpu, &cpus_) || left-- > 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    ::sched_setaffinity(0, sizeof(own), &own);
    return;
  }
}

std::uint64_t Crew::resume(LaneRun& lane, std::uint64_t event) {
  const LaneOverlap::Moment moment = overlap_.change(+1, monotonic_ns);
  lane.resumed_ns = moment.now_ns;
  lane.resumed_overlap_ns = moment.overlapped_ns;
  lane.resumed_event = event;
  lane.seen_event = event;
  return moment.now_ns;
}

std::uint64_t Crew::stop(LaneRun& lane, std::uint64_t event) {
  const LaneOverlap::Moment moment = overlap_.change(-1, monotonic_ns);
  const std::uint64_t busy_ns = moment.now_ns - lane.resumed_ns;
  lane.busy_ns += busy_ns;
  if (busy_ns > 0) {
    lane.overlapped_events += static_cast<double>(event - lane.resumed_event) *
                              static_cast<double>(moment.overlapped_ns - lane.resumed_overlap_ns) /
                              static_cast<double>(busy_ns);
  }
  return moment.now_ns;
}

unsigned Crew::wait_step(LaneRun& lane, PlanWord word, const PlanWord* rest) {
  LaneRun& other = lanes_[plan_slot(word)];
  const std::uint64_t event = plan_step_events(word, lane.seen_event);
  lane.seen_event = event;
  if (!has_reached(other.reached, rest[0])) {
    const std::uint64_t stopped_ns = stop(lane, event);
    const bool slept = !await(other.reached, rest[0], spins_);
    ++lane.waits_blocked;
    lane.waits_slept += slept ? 1 : 0;
    lane.waited_ns += resume(lane, event) - stopped_ns;
  }
  return kWaitWords - 1;
}

unsigned Crew::start_step(PlanWord word, const PlanWord* rest) {
  LaneRun& first = lanes_[0];
  LaneRun& lane = lanes_[plan_slot(word)];
  const std::uint64_t event = plan_step_events(word, first.seen_event);
  if (lane.has_thread) {
    const std::uint64_t stopped_ns = stop(first, event);
    join(lane);
    first.waited_ns += resume(first, event) - stopped_ns;
  }
  lane.thread_begin = rest[0];
  lane.thread_end = rest[1];
  lane.thread_first_event = rest[2];
  lane.thread_end_event = rest[3];
  lane.thread_next_pause = next_pause_;
  start_thread(lane);
  return kStartWords - 1;
}

void Crew::start_thread(LaneRun& lane) {
  pthread_attr_t attributes;
  pthread_t thread;
  lane.crew = this;
  const bool started = ::pthread_attr_init(&attributes) == 0 &&
                       ::pthread_attr_setstack(&attributes, stacks_ + number_of(lane) * kStackBytes,
                                               kStackBytes) == 0 &&
                       ::pthread_create(&thread, &attributes, thread_main, &lane) == 0;
  if (!started) {
    run_.status = WorkerStatus::kCannotStartThread;
    ::_exit(1);
  }
  ::pthread_attr_destroy(&attributes);
  static_assert(sizeof(thread) <= sizeof(lane.thread));
  lane.thread = thread;
  lane.has_thread = true;
}

void* Crew::thread_main(void* argument) {
  LaneRun& lane = *static_cast<LaneRun*>(argument);
  Crew& crew = *static_cast<Crew*>(lane.crew);
  crew.pin(lane);
  crew.resume(lane, lane.thread_first_event);
  crew.body_(crew.context_, lane);
  lane.end_ns = crew.stop(lane, lane.thread_end_event);
  return nullptr;
}

void Crew::join(LaneRun& lane) {
  if (!lane.has_thread) return;
  ::pthread_join(lane.thread, nullptr);
  lane.has_thread = false;
}

void Crew::join_all() {
  for (std::size_t i = 1; i < run_.lane_count; ++i) join(lanes_[i]);
}

void Crew::stay_at_pause(LaneRun& lane, std::uint64_t i) {
  const std::uint64_t event = i == 0 ? lane.warmup_events : lane.resumed_event;
  stop(lane, event);
  publish(lane.paused, i + 1);
  if (!has_reached(released_, i + 1)) await(released_, i + 1, 0);
  resume(lane, event);
}

void Crew::gather_at_pause(std::uint64_t i) {
  LaneRun& first = lanes_[0];
  stop(first, i == 0 ? first.warmup_events : first.resumed_event);
  for (std::size_t lane = 1; lane < run_.lane_count; ++lane) {
    if ((pauses_[i * run_.lane_count + lane] & kNobody) != 0) {
      join(lanes_[lane]);
    } else if (!has_reached(lanes_[lane].paused, i + 1)) {
      await(lanes_[lane].paused, i + 1, 0);
    }
  }
}

void Crew::stay_for_words(LaneRun& lane) {
  const std::uint64_t times = amount_reached(refilled_) + 1;
  const std::uint64_t event = lane.event_count;
  stop(lane, event);
  publish(lane.ran_out, times);
  if (!has_reached(refilled_, times)) await(refilled_, times, 0);
  resume(lane, event);
}

void Crew::gather_for_words() {
  const std::uint64_t times = amount_reached(refilled_) + 1;
  stop(lanes_[0], lanes_[0].event_count);
  for (std::size_t i = 1; i < run_.lane_count; ++i) {
    LaneRun& lane = lanes_[i];
    if (!lane.goes_on) {
      join(lane);
    } else if (!has_reached(lane.ran_out, times)) {
      await(lane.ran_out, times, 0);
    }
  }
}

void Crew::go_on_with_words(std::uint64_t event) {
  resume(lanes_[0], event);
  publish(refilled_, amount_reached(refilled_) + 1);
}

void Crew::let_go(std::uint64_t i) {
  LaneRun& first = lanes_[0];
  if (i == 0) {
    for (std::size_t lane = 0; lane < run_.lane_count; ++lane) {
      lanes_[lane].waits_blocked = lanes_[lane].waits_slept = 0;
      lanes_[lane].waited_ns = lanes_[lane].busy_ns = 0;
      lanes_[lane].overlapped_events = 0;
    }
  }
  resume(first, i == 0 ? first.warmup_events : first.resumed_event);
  publish(released_, i + 1);
}

}  // namespace replay
