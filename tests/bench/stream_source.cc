// Writes a synthetic trace of a given length to a file or pipe, as fast as the format allows: what
// the other end of the pipe can take is then what is measured.
//
//     stream_source EVENTS LIVE OUT      LIVE: objects that live in the steady state
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "replay/trace/writer.h"

namespace {

// xorshift64*; quick, and the same everywhere.
class Random {
 public:
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }
  // pre: limit is below 2^32.
  std::uint64_t below(std::uint64_t limit) { return ((next() >> 32) * limit) >> 32; }

 private:
  std::uint64_t state_ = 88172645463325252;
};

// Three of four objects die within a few events, the others take the place of a random one of
// `live` that live long; now and then one is resized, and another thread has its turn.
void write(replay::TraceWriter& writer, std::uint64_t events, std::uint64_t live) {
  using replay::Event;
  using replay::Op;
  Random random;
  std::vector<std::uint64_t> old;
  std::vector<std::uint64_t> young;
  Event event;
  std::uint64_t births = 0;
  const auto put = [&](Op op, std::uint64_t object, std::uint64_t size) {
    event.time_ns += random.below(200);
    event.op = op;
    event.object = object;
    event.size = size;
    writer.append(event);
  };
  std::uint32_t threads = 1;
  while (writer.events() < events) {
    if (random.below(256) == 0) {
      event.thread = static_cast<std::uint32_t>(random.below(threads + (threads < 8 ? 1 : 0)));
      if (event.thread == threads) ++threads;
    }
    const std::uint64_t size = 16 + random.below(std::uint64_t{32} << random.below(8));
    put(Op::kMalloc, births, size);
    if (random.below(4) != 0) {
      young.push_back(births++);
      if (young.size() < 16) continue;
      const std::size_t victim = random.below(young.size());
      put(Op::kFree, young[victim], 0);
      young[victim] = young.back();
      young.pop_back();
    } else if (old.size() < live) {
      old.push_back(births++);
    } else {
      const std::size_t victim = random.below(live);
      if (random.below(8) == 0) put(Op::kRealloc, old[victim], 2 * size);
      put(Op::kFree, old[victim], 0);
      old[victim] = births++;
    }
  }
}

}  // namespace

// What it throws is to end it: it runs in a benchmark, by hand.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: stream_source EVENTS LIVE OUT\n", stderr);
    return 2;
  }
  replay::TraceWriter writer(argv[3], {});
  write(writer, std::stoull(argv[1]), std::stoull(argv[2]));
  writer.finish(0, nlohmann::ordered_json::object());
  return 0;
}
