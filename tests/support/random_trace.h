// Random valid event streams, and whole files and traces in one call; for tests of traces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/reader.h"
#include "replay/trace/writer.h"
#include "tests/support/temp_folder.h"

namespace replay::test {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Removes an old file first: some file systems wait for the disk when one is cut to nothing.
inline void write_file(const std::string& path, const std::string& data) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << data;
}

// `count` events that a recorder could have written: every op, sizes from 0 to huge, all
// alignments, bursts and gaps of time. Times are multiples of `unit`.
inline std::vector<Event> random_events(std::uint64_t seed, std::size_t count,
                                        std::uint32_t max_threads = 5, std::uint64_t unit = 1) {
  std::mt19937_64 random(seed);
  const auto below = [&random](std::uint64_t limit) { return random() % limit; };
  std::vector<Event> events;
  std::vector<std::uint64_t> live;
  std::uint64_t births = 0;
  std::uint32_t threads = 0;
  std::uint64_t time = 0;
  while (events.size() < count) {
    Event event;
    if (below(3) == 0) time += below(below(20) == 0 ? 1000000000000 : 300);
    event.time_ns = time * unit;
    event.thread = threads == 0 ? 0 : static_cast<std::uint32_t>(below(threads));
    if (threads < max_threads && (threads == 0 || below(50) == 0)) event.thread = threads++;
    const std::uint64_t kind = below(100);
    if (kind < 55 || live.empty()) {
      event.op = kind < 40 ? Op::kMalloc : kind < 48 ? Op::kCalloc : Op::kAligned;
      event.object = births++;
      if (event.op == Op::kAligned) event.align_log2 = static_cast<std::uint8_t>(below(64));
      live.push_back(event.object);
    } else {
      const std::size_t victim =
          below(2) == 0 ? live.size() - 1 : static_cast<std::size_t>(below(live.size()));
      event.op = kind < 65 ? Op::kRealloc : Op::kFree;
      event.object = live[victim];
      if (event.op == Op::kFree) {
        live[victim] = live.back();
        live.pop_back();
      }
    }
    if (event.op != Op::kFree) event.size = random() >> (below(20) == 0 ? below(64) : 52);
    if (event.op == Op::kRealloc) event.size = std::max<std::uint64_t>(event.size, 1);
    events.push_back(event);
  }
  return events;
}

// Returns the path.
inline std::string write_trace(const std::string& path, const std::vector<Event>& events,
                               const TraceHeader& header = {},
                               std::uint32_t block_events = kBlockEvents) {
  TraceWriter writer(path, header, block_events);
  for (const Event& event : events) writer.append(event);
  writer.finish(header.lost_events, header.provenance);
  return path;
}

inline std::vector<Event> read_all(TraceReader& reader) {
  std::vector<Event> events;
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    events.insert(events.end(), block.begin(), block.end());
  }
  return events;
}

}  // namespace replay::test
