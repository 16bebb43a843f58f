#include "replay/engine/thread_lives.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <tuple>
#include <utility>

#include "replay/trace/error.h"

namespace replay {
namespace {

// Each has a stack, clocks and histograms; and a machine that could run so many is not in sight.
constexpr std::uint32_t kMostLanes = 1024;

void read_lives(TraceReader& trace, std::uint64_t end, ThreadChoice choice, ThreadLives& lives) {
  std::uint64_t index = 0;
  for (auto runs = trace.next_threads(); !runs.empty(); runs = trace.next_threads()) {
    for (const ThreadRun& run : runs) {
      if (index >= end) return;
      const std::uint32_t thread = choice.thread_of(run.thread);
      if (thread >= lives.threads.size()) lives.threads.resize(thread + std::size_t{1});
      ThreadLife& life = lives.threads[thread];
      if (life.first_event == UINT64_MAX) life.first_event = index;
      index += run.events;
      life.last_event = std::min(index, end) - 1;
    }
  }
}

}  // namespace

void assign_lanes(ThreadLives& lives) {
  using Ending = std::pair<std::uint64_t, std::uint32_t>;  // last event of a lane's thread, lane
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> busy;
  std::queue<std::uint32_t> empty;
  lives.lane_count = 1;
  for (std::size_t i = 1; i < lives.threads.size(); ++i) {
    ThreadLife& life = lives.threads[i];
    if (life.first_event == UINT64_MAX) continue;
    while (!busy.empty() && busy.top().first < life.first_event) {
      empty.push(busy.top().second);
      busy.pop();
    }
    if (empty.empty()) {
      life.lane = lives.lane_count++;
    } else {
      life.lane = empty.front();
      empty.pop();
    }
    busy.emplace(life.last_event, life.lane);
  }
}

ThreadLives find_thread_lives(TraceReader& trace, std::uint64_t end, ThreadChoice choice) {
  ThreadLives lives;
  const bool one_thread = choice.workers == 1 || trace.header().thread_count == 1;
  if (one_thread) {
    lives.threads.resize(1);
    return lives;
  }
  read_lives(trace, end, choice, lives);
  trace.seek(0);
  assign_lanes(lives);
  if (lives.lane_count > kMostLanes) {
    throw Error(fmt::format("{}: {} threads are alive at once, {} can be replayed; try --threads 8",
                            trace.path(), lives.lane_count, kMostLanes));
  }
  return lives;
}

}  // namespace replay
