#include "replay/engine/counters_worker.h"

#include "replay/engine/call_counts_probe.h"
#include "replay/engine/perf_counters.h"

namespace replay {
namespace {

struct CountersPass {
  using Probe = NoProbe;
  static constexpr bool kStopsAtPauses = false;
  const PerfCounters& counters;
  bool measuring = false;

  Probe probe(std::size_t, std::uint64_t) const { return {}; }
  void at_pause(std::uint64_t i) {
    if (i != 0) return;
    measuring = true;
    counters.start();
  }
  void stand_still() const { counters.stop(); }
  void go_on() const {
    if (measuring) counters.start();
  }
};

struct CallCountersPass {
  using Probe = CallCountsProbe<>;
  static constexpr bool kStopsAtPauses = false;
  const Stage& stage;

  Probe probe(std::size_t lane, std::uint64_t event) const {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
    return Probe(stage.call_counts[lane], kSpread * ((std::uint64_t{lane} << 40) + event + 1));
  }
  void at_pause(std::uint64_t) {}
};

}  // namespace

bool run_counters(const Stage& stage) {
  const PerfCounters counters(kAllCounters);
  CountersPass pass{counters};
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  replay.run();
  counters.stop();
  for (int i = 0; i < kCounterCount; ++i) {
    stage.run->counters[i] = counters.read(static_cast<Counter>(i));
  }
  return true;
}

bool run_call_counters(const Stage& stage) {
  CallCountersPass pass{stage};
  Replay replay(stage, pass);
  if (!replay.prepare()) return false;
  replay.run();
  return true;
}

}  // namespace replay
