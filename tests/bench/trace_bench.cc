// How fast traces are written and read, and how small they are, on a synthetic trace that behaves
// like a redis-server: short-lived buffers of each command, values that live long, resizes, rare
// bursts of expiry. Figures count in a release build only.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>
#include <vector>

#include "replay/trace/reader.h"
#include "replay/trace/validate.h"
#include "replay/trace/writer.h"

namespace replay {
namespace {

constexpr std::size_t kEvents = 4000000;
constexpr std::uint32_t kUnitNs = 100;

class RedisLike {
 public:
  std::vector<Event> make() {
    while (events_.size() < kEvents) command();
    events_.resize(kEvents);
    return std::move(events_);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  void add(Op op, std::uint64_t object, std::uint64_t size) {
    time_ns_ += 80 + below(200) + (below(64) == 0 ? below(8000) : 0);
    const auto thread = static_cast<std::uint32_t>(below(5000) == 0 ? below(threads_) : 0);
    threads_ = std::max(threads_, std::min<std::uint32_t>(thread + 2, 4));
    events_.push_back(
        {.time_ns = time_ns_, .object = object, .size = size, .thread = thread, .op = op});
  }
  std::uint64_t birth(std::uint64_t size) {
    add(below(20) == 0 ? Op::kCalloc : Op::kMalloc, births_, size);
    return births_++;
  }

  void command() {
    time_ns_ += below(20000);
    std::vector<std::uint64_t> arguments;
    for (std::uint64_t i = 1 + below(4); i > 0; --i) arguments.push_back(birth(16 + below(40)));
    if (below(3) != 0) {
      const std::uint64_t value = birth(below(4) == 0 ? 8 + below(4000) : 64);
      if (below(8) == 0) add(Op::kRealloc, value, std::uint64_t{128} << below(6));
      values_.push_back(value);
      if (values_.size() > 20000 || below(2) == 0) {
        const std::size_t victim = below(values_.size());
        add(Op::kFree, values_[victim], 0);
        values_[victim] = values_.back();
        values_.pop_back();
      }
    }
    for (const std::uint64_t argument : arguments) add(Op::kFree, argument, 0);
  }

  std::mt19937_64 random_{42};
  std::vector<Event> events_;
  std::vector<std::uint64_t> values_;
  std::uint64_t births_ = 0;
  std::uint64_t time_ns_ = 0;
  std::uint32_t threads_ = 1;
};

const std::vector<Event>& events() {
  static const std::vector<Event> made = RedisLike().make();
  return made;
}

std::string trace_path() {
  return (std::filesystem::temp_directory_path() / "trace_bench.trace").string();
}

std::uint64_t write_trace(const std::vector<Event>& all) {
  TraceHeader header;
  header.time_unit_ns = kUnitNs;
  TraceWriter writer(trace_path(), header);
  for (const Event& event : all) writer.append(event);
  writer.finish(0, nlohmann::ordered_json::object());
  return writer.bytes();
}

void write(benchmark::State& state) {
  std::uint64_t bytes = 0;
  for (auto _ : state) bytes = write_trace(events());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
  state.counters["bytes_per_event"] = static_cast<double>(bytes) / static_cast<double>(kEvents);
}
BENCHMARK(write)->Unit(benchmark::kMillisecond);

void read(benchmark::State& state) {
  write_trace(events());
  for (auto _ : state) {
    TraceReader reader(trace_path());
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      benchmark::DoNotOptimize(block.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
  std::filesystem::remove(trace_path());
}
BENCHMARK(read)->Unit(benchmark::kMillisecond);

void read_and_validate(benchmark::State& state) {
  write_trace(events());
  for (auto _ : state) {
    TraceReader reader(trace_path());
    benchmark::DoNotOptimize(validate(reader).ok());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
  std::filesystem::remove(trace_path());
}
BENCHMARK(read_and_validate)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace replay

BENCHMARK_MAIN();
