// After larson, the server benchmark: each thread replaces random objects of an array that it was
// handed, and after some rounds hands it to a thread that begins as it ends, which frees what its
// forerunners allocated.
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("threads", "4", "threads", "at the same time", 1, 4096),
    number_parameter("slots", "1000", "objects", "in a thread's array", 1, 10'000'000),
    number_parameter("rounds", "10k", "replacements", "before an array is handed over", 1,
                     1'000'000'000),
    number_parameter("run", "64", "replacements", "of one thread before another's turn", 1,
                     1'000'000),
    distribution_parameter("size", "uniform:10:500", "bytes", "sizes"),
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  const std::uint64_t slots = parameters.number("slots");
  const std::uint64_t rounds = parameters.number("rounds");
  const std::uint64_t run_length = parameters.number("run");
  const Distribution& sizes = parameters.distribution("size");
  struct Array {
    std::uint32_t thread;
    std::uint64_t rounds;
    std::vector<std::uint64_t> objects;
  };
  out.expect(events);
  std::uint32_t next_thread = 1;  // thread 0 makes the arrays
  std::vector<Array> arrays(static_cast<std::size_t>(parameters.number("threads")));
  for (Array& array : arrays) {
    array.thread = next_thread++;
    array.rounds = 0;
    while (array.objects.size() < slots && out.events() < events) {
      array.objects.push_back(out.malloc(sizes.draw(random)));
    }
  }
  for (std::size_t turn = 0; out.events() < events; turn = (turn + 1) % arrays.size()) {
    Array& array = arrays[turn];
    for (std::uint64_t i = 0; i < run_length && out.events() < events; ++i) {
      out.set_thread(array.thread);
      std::uint64_t& object = array.objects[static_cast<std::size_t>(random.below(slots))];
      out.free(object);
      if (out.events() < events) object = out.malloc(sizes.draw(random));
      if (++array.rounds % rounds == 0) array.thread = next_thread++;
    }
  }
}

}  // namespace

const Generator kLarson{
    "larson",
    1,
    "arrays of objects handed from thread to thread, each freeing what others "
    "allocated",
    "Larson and Krishnan, 'Memory allocation for long-running server "
    "applications', ISMM 1998: the pattern, and its usual sizes of 10 to 500 bytes",
    kParameters,
    run};

}  // namespace replay::gen
