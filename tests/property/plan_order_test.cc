// Whatever order the threads of a plan run in, as far as its waits let them, each object is freed
// and resized after it was made, each slot holds one object at a time, and nobody waits for ever.
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "tests/support/fed_plan.h"
#include "tests/support/plan_simulator.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

class PlanOrderTest : public ::testing::Test {
 protected:
  Plan compile(std::uint64_t seed, std::uint32_t threads, std::size_t events, ThreadChoice choice) {
    const std::string path = dir_ / "t.trace";
    std::filesystem::remove(path);
    TraceReader reader(write_trace(path, random_events(seed, events, threads)));
    return compile_plan(reader, {}, {choice});
  }

  TempFolder dir_;
};

TEST_F(PlanOrderTest, AnyOrderThatThePlanAllowsIsRight) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::uint32_t threads = 2 + static_cast<std::uint32_t>(seed % 11);
    const ThreadChoice choice{seed % 3 == 0 ? 2U : ThreadChoice::kAsRecorded};
    const Plan plan = compile(seed, threads, 1500, choice);
    for (std::uint64_t order = 0; order < 10; ++order) {
      PlanSimulator simulator(plan, order);
      ASSERT_EQ(simulator.run(), "") << "trace " << seed << ", order " << order;
      ASSERT_EQ(simulator.events, plan.event_count);
      ASSERT_EQ(simulator.waits, plan.edges_enforced);
    }
  }
}

// The same of streamed plans: all threads meet at the end of each window.
TEST_F(PlanOrderTest, AnyOrderThatAStreamedPlanAllowsIsRight) {
  std::uint64_t late_ends = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::uint32_t threads = 2 + static_cast<std::uint32_t>(seed % 11);
    const ThreadChoice choice{seed % 3 == 0 ? 2U : ThreadChoice::kAsRecorded};
    const std::string path = dir_ / "s.trace";
    std::filesystem::remove(path);
    TraceReader reader(write_trace(path, random_events(seed, 1500, threads)));
    const Plan plan = streamed_plan(path, reader, {}, {choice}, 8 * (20 + 5 * seed));
    FedPlan fed(plan);
    PlanSimulator simulator(plan.lanes.size(), plan.slot_count, seed);
    std::vector<std::uint64_t> ends(plan.lanes.size());
    while (simulator.events < plan.event_count) {
      fed.next();
      ASSERT_GT(fed.words_of_all(), 0U);
      for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
        simulator.give(i, fed.words(i));
        const std::uint64_t end = fed.run().lanes()[i].thread_end;
        if (std::exchange(ends[i], end) == end) continue;
        simulator.end_thread(i, end);
        ++late_ends;
      }
      ASSERT_EQ(simulator.run(), "") << "trace " << seed;
    }
    const Plan compiled = fed.feed().finish();
    EXPECT_EQ(simulator.waits, compiled.edges_enforced);
    EXPECT_LE(compiled.slot_count, plan.slot_count);
  }
  EXPECT_GT(late_ends, 100U);
}

// Two threads make what a third frees: slots come back from it, many at a time.
TEST_F(PlanOrderTest, SlotsThatChangeHandsAreEmptyByThen) {
  std::mt19937_64 random(1);
  std::vector<Event> events;
  std::vector<std::uint64_t> live;
  for (std::uint64_t object = 0; object < 5000; ++object) {
    const auto maker = static_cast<std::uint32_t>(object < 2 ? object : random() % 2);
    events.push_back({.object = object, .size = object + 1, .thread = maker, .op = Op::kMalloc});
    live.push_back(object);
    if (live.size() < 50) continue;
    std::swap(live[random() % live.size()], live.back());
    events.push_back({.object = live.back(), .thread = 2, .op = Op::kFree});
    live.pop_back();
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  EXPECT_LE(plan.slot_count, 2U * 50 + 4U * 64);
  for (std::uint64_t order = 0; order < 100; ++order) {
    PlanSimulator simulator(plan, order);
    ASSERT_EQ(simulator.run(), "") << "order " << order;
    ASSERT_EQ(simulator.events, plan.event_count);
  }
}

// Threads that come and go, a few at a time, and hand all that they make to the one after next.
TEST_F(PlanOrderTest, ThreadsThatComeAndGoShareLanes) {
  std::vector<Event> events;
  std::uint64_t object = 0;
  for (std::uint32_t thread = 0; thread < 200; ++thread) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      events.push_back({.object = object, .size = object + 1, .thread = thread, .op = Op::kMalloc});
      if (object >= 10)
        events.push_back({.object = object - 10, .thread = thread, .op = Op::kFree});
      // So that three are alive at once besides the first.
      if (object >= 15 && thread > 2) {
        events.push_back(
            {.object = object - 1, .size = object, .thread = thread - 2, .op = Op::kRealloc});
      }
      ++object;
    }
  }
  TraceReader reader(write_trace(dir_ / "t.trace", events));
  const Plan plan = compile_plan(reader, {}, {{ThreadChoice::kAsRecorded}});
  EXPECT_EQ(plan.thread_count, 200U);
  EXPECT_EQ(plan.lanes.size(), 4U);
  for (std::uint64_t order = 0; order < 100; ++order) {
    PlanSimulator simulator(plan, order);
    ASSERT_EQ(simulator.run(), "") << "order " << order;
    ASSERT_EQ(simulator.events, plan.event_count);
  }
}

}  // namespace
}  // namespace replay
