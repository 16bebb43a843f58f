#include "replay/engine/crew.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <barrier>

#include "replay/engine/stage.h"
#include "tests/support/checking_allocator.h"
#include "tests/support/random_trace.h"
#include "tests/support/staged_run.h"

namespace replay {
namespace {

using namespace test;

struct PlainPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = false;
  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t) {}
};

// Ascending.
std::vector<int> cpus_of_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

class CrewTest : public ::testing::Test {
 protected:
  void replay(const std::vector<Event>& events, EventRange range = {}) {
    replay_with(allocator_, events, range);
  }
  // begin: given the stage before it is replayed.
  template <class Allocator, class Begin = void (*)(const Stage&)>
  void replay_with(
      Allocator& allocator, const std::vector<Event>& events, EventRange range = {},
      Begin begin = [](const Stage&) {}) {
    TraceReader reader(write_trace(dir_ / "t.trace", events));
    plan_ = compile_plan(reader, range, {{ThreadChoice::kAsRecorded}});
    const StagedRun run(plan_, allocator);
    begin(run.stage());
    PlainPass pass;
    Replay replay(run.stage(), pass);
    ASSERT_TRUE(replay.prepare());
    replay.run();
    for (std::size_t i = 0; i < plan_.lanes.size(); ++i) lanes_.push_back(run.stage().lanes[i]);
    outcome_ = run.outcome();
    if constexpr (requires { allocator.live(); }) live_ = allocator.live();
  }
  static Event event(Op op, std::uint32_t thread, std::uint64_t object) {
    return {.object = object, .size = op == Op::kFree ? 0U : 8U, .thread = thread, .op = op};
  }

  TempFolder dir_;
  const std::vector<int> cpus_ = cpus_of_thread();
  CheckingAllocator allocator_;
  Plan plan_;
  std::vector<LaneRun> lanes_;
  std::uint64_t live_ = 0;  // at the end
  RunOutcome outcome_;
};

// Two threads that hand every object over, one at a time: nothing can overlap for long, and no
// order but the recorded one is possible.
TEST_F(CrewTest, WaitsForEveryHandOver) {
  std::vector<Event> events;
  constexpr std::uint64_t kObjects = 2000;
  for (std::uint64_t i = 0; i < kObjects; ++i) {
    events.push_back(event(Op::kMalloc, i % 2, i));
    events.push_back(event(Op::kFree, (i + 1) % 2, i));
  }
  replay(events);
  EXPECT_EQ(allocator_.bad_frees(), 0U);
  EXPECT_EQ(live_, 0U);
  EXPECT_GE(plan_.edges_enforced, kObjects - 1);  // the first is implied by the thread's start
  const Concurrency& of = outcome_.concurrency;
  EXPECT_GT(of.waits_blocked, 0U);
  EXPECT_LE(of.waits_blocked, plan_.edges_enforced);
  EXPECT_LE(of.waits_slept, of.waits_blocked);
  EXPECT_GT(of.waited_ns, 0U);
  EXPECT_GE(of.overlapped_events, 0.0);
  EXPECT_LE(of.overlapped_events, static_cast<double>(events.size()));
}

TEST_F(CrewTest, ThreadsWithNothingInCommonNeverWait) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 20'000; i += 2) {
    for (std::uint32_t thread = 0; thread < 2; ++thread) {
      events.push_back(event(Op::kMalloc, thread, i + thread));
      events.push_back(event(Op::kFree, thread, i + thread));
    }
  }
  replay(events);
  EXPECT_EQ(plan_.edges_found, 0U);
  EXPECT_EQ(outcome_.concurrency.waits_blocked, 0U);
  EXPECT_EQ(outcome_.concurrency.waited_ns, 0U);
  EXPECT_EQ(live_, 0U);
}

// An allocation of this size ends when another thread is in one too.
struct MeetingAllocator {
  static constexpr std::size_t kMeetingBytes = 64;
  std::barrier<> meeting{2};
  std::uint64_t place = 0;

  void* allocate(std::size_t size, std::size_t) noexcept {
    if (size == kMeetingBytes) meeting.arrive_and_wait();
    return &place;
  }
  void deallocate(void*) noexcept {}
};

TEST_F(CrewTest, ThreadsAreInTheAllocatorAtTheSameTime) {
  std::vector<Event> events = {event(Op::kMalloc, 0, 0), event(Op::kMalloc, 1, 1)};
  for (std::uint64_t i = 2; i < 202; ++i) {
    events.push_back(event(Op::kMalloc, i % 2, i));
    events.back().size = MeetingAllocator::kMeetingBytes;
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  MeetingAllocator allocator;
  const StagedRun run(plan, allocator);
  PlainPass pass;
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();  // comes to an end only if they are
  EXPECT_GT(run.outcome().concurrency.overlapped_events, 0.0);
}

// An allocation of this size lasts until another lane sleeps until it is done, and a while longer.
struct HoldingAllocator {
  static constexpr std::size_t kHeldBytes = 64;
  const std::uint64_t* reached = nullptr;  // by the lane that makes it
  std::uint64_t held_ns = 0;               // with the other asleep
  std::uint64_t place = 0;

  void* allocate(std::size_t size, std::size_t) noexcept {
    if (size == kHeldBytes) hold();
    return &place;
  }
  void deallocate(void*) noexcept {}
  void hold() noexcept {
    while ((__atomic_load_n(reached, __ATOMIC_ACQUIRE) & kSleepers) == 0) ::sched_yield();
    const std::uint64_t begin_ns = monotonic_ns();
    constexpr timespec kWhile{0, 1'000'000};
    ::nanosleep(&kWhile, nullptr);
    held_ns = monotonic_ns() - begin_ns;
  }
};

TEST_F(CrewTest, ALongWaitIsSleptAndCountsInFull) {
  std::vector<Event> events = {event(Op::kMalloc, 0, 0), event(Op::kMalloc, 1, 1),
                               event(Op::kMalloc, 0, 2), event(Op::kFree, 1, 2)};
  events[2].size = HoldingAllocator::kHeldBytes;
  HoldingAllocator allocator;
  replay_with(allocator, events, {},
              [&](const Stage& stage) { allocator.reached = &stage.lanes[0].reached; });
  const Concurrency& of = outcome_.concurrency;
  EXPECT_EQ(of.waits_slept, 1U);
  EXPECT_GT(allocator.held_ns, 0U);
  EXPECT_GE(of.waited_ns, allocator.held_ns);
}

// Allocations of these sizes end when there is one of each, both threads awake; the later ends a
// little after, each time another while.
struct NearlyMeetingAllocator {
  static constexpr std::size_t kSoonerBytes = 64;
  static constexpr std::size_t kLaterBytes = 65;
  static constexpr std::uint64_t kMostPauses = 50;
  std::atomic<std::uint64_t> arrivals{0};
  std::uint64_t place = 0;

  void* allocate(std::size_t size, std::size_t) noexcept {
    if (size < kSoonerBytes) return &place;
    const std::uint64_t last = arrivals.fetch_add(1) | 1;
    while (arrivals <= last) pause_cpu();
    if (size == kLaterBytes) {
      for (std::uint64_t i = last / 2 % kMostPauses; i > 0; --i) pause_cpu();
    }
    return &place;
  }
  void deallocate(void*) noexcept {}
};

TEST_F(CrewTest, AShortWaitIsSpentAwake) {
  if (cpus_.size() < 2) GTEST_SKIP() << "with one CPU nothing comes of waiting awake";
  std::vector<Event> events = {event(Op::kMalloc, 0, 0), event(Op::kMalloc, 1, 1)};
  for (std::uint64_t i = 2; i < 2002; i += 2) {
    events.push_back(event(Op::kMalloc, 0, i));
    events.back().size = NearlyMeetingAllocator::kLaterBytes;
    events.push_back(event(Op::kMalloc, 1, i + 1));
    events.back().size = NearlyMeetingAllocator::kSoonerBytes;
    events.push_back(event(Op::kFree, 1, i));
  }
  NearlyMeetingAllocator allocator;
  replay_with(allocator, events);
  const Concurrency& of = outcome_.concurrency;
  EXPECT_LT(of.waits_slept, of.waits_blocked);  // of a thousand
}

// Where an allocation of a lane's number of bytes may run.
struct PlacesAllocator {
  std::array<std::vector<int>, 2> cpus;
  std::uint64_t place = 0;

  void* allocate(std::size_t size, std::size_t) noexcept {
    cpus[size] = cpus_of_thread();
    return &place;
  }
  void deallocate(void*) noexcept {}
};

TEST_F(CrewTest, EachLaneHasACpuOfItsOwnWhereThereAreEnough) {
  if (cpus_.size() < 2) GTEST_SKIP() << "one CPU";
  std::vector<Event> events = {event(Op::kMalloc, 0, 0), event(Op::kMalloc, 1, 1)};
  for (Event& each : events) each.size = each.thread;
  PlacesAllocator allocator;
  replay_with(allocator, events);
  EXPECT_EQ(allocator.cpus[0], std::vector<int>{cpus_.end()[-1]});
  EXPECT_EQ(allocator.cpus[1], std::vector<int>{cpus_.end()[-2]});
}

// Counts the threads that have called it and live.
struct HeadCount {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<int> most{0};
  struct Present {
    Present() {
      const int now = ++alive;
      int before = most;
      while (before < now && !most.compare_exchange_weak(before, now)) continue;
    }
    ~Present() { --alive; }
  };

  void* allocate(std::size_t size, std::size_t) noexcept {
    thread_local const Present present;
    return std::malloc(size);
  }
  void deallocate(void* p) noexcept { std::free(p); }
};

std::vector<Event> threads_one_after_the_other() {
  std::vector<Event> events;
  std::uint64_t object = 0;
  const auto add = [&](Op op, std::uint32_t thread) {
    events.push_back(
        {.object = object, .size = op == Op::kFree ? 0U : 8U, .thread = thread, .op = op});
  };
  for (std::uint32_t thread = 1; thread <= 50; ++thread) {
    add(Op::kMalloc, 0);
    ++object;
    for (int i = 0; i < 10; ++i) {
      add(Op::kMalloc, thread);
      add(Op::kFree, thread);
      ++object;
    }
  }
  return events;
}

TEST_F(CrewTest, AThreadHasEndedWhenTheNextOneInItsLaneBegins) {
  TraceReader reader(write_trace(dir_ / "t.trace", threads_one_after_the_other()));
  const Plan plan = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  ASSERT_EQ(plan.lanes.size(), 2U);
  HeadCount allocator;
  const StagedRun run(plan, allocator);
  PlainPass pass;
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  EXPECT_EQ(HeadCount::most, 2);  // one a lane
}

TEST_F(CrewTest, TellsWhenTheThreadsOfALaneEnded) {
  replay(threads_one_after_the_other());
  EXPECT_EQ(plan_.thread_count, 51U);
  ASSERT_EQ(lanes_.size(), 2U);
  EXPECT_EQ(live_, 50U);
  EXPECT_EQ(lanes_[1].thread_end_event, 1000U);
  EXPECT_FALSE(lanes_[1].has_thread);
  EXPECT_GE(lanes_[1].end_ns, lanes_[1].resumed_ns);
}

TEST_F(CrewTest, AccountsBeginWithTheMeasuredPart) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    events.push_back(event(Op::kMalloc, i % 2, i));
    events.push_back(event(Op::kFree, (i + 1) % 2, i));
  }
  events.push_back(event(Op::kMalloc, 0, 4000));
  events.push_back(event(Op::kMalloc, 1, 4001));
  replay(events, {8000, 8002});
  EXPECT_EQ(outcome_.concurrency.waits_blocked, 0U);
  EXPECT_LE(outcome_.concurrency.overlapped_events, 2.0);
}

// Notes how far each lane is when all stand still.
struct StillPass : PlainPass {
  const Stage& stage;
  std::vector<std::uint64_t> events{};
  int times = 0;

  explicit StillPass(const Stage& on) : stage(on), events(on.run->lane_count) {}
  void stand_still() {
    ++times;
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i] = stage.lanes[i].event_count;
      EXPECT_TRUE(stage.lanes[i].goes_on || !stage.lanes[i].has_thread);
      if (!stage.lanes[i].goes_on) continue;
      EXPECT_EQ(stage.lanes[i].words_done, stage.lanes[i].words_ready);
    }
  }
  void go_on() {}
};

TEST_F(CrewTest, AllStandStillBetweenTheWindowsOfAStreamedPlan) {
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    events.push_back(event(Op::kMalloc, i % 3, i));
    events.push_back(event(Op::kFree, (i + 1) % 3, i));
  }
  const std::string path = write_trace(dir_ / "s.trace", events);
  TraceReader reader(path);
  const Plan plan = streamed_plan(path, reader, {}, {{ThreadChoice::kAsRecorded}}, 8 * 1000);
  const StagedRun run(plan, allocator_);
  StillPass pass(run.stage());
  Replay replay(run.stage(), pass);
  ASSERT_TRUE(replay.prepare());
  replay.run();
  EXPECT_GT(pass.times, 5);
  EXPECT_EQ(allocator_.bad_frees(), 0U);
  EXPECT_EQ(allocator_.live(), 0U);
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    EXPECT_EQ(run.stage().lanes[i].event_count, 2000U);
    EXPECT_GE(run.stage().lanes[i].resumed_event, pass.events[i]) << "lane " << i;
  }
}

}  // namespace
}  // namespace replay
