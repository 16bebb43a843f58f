// Producers allocate messages, a bounded queue carries them, consumers free them: every free is of
// another thread's memory.
#include <deque>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("producers", "2", "threads", "that allocate", 1, 4096),
    number_parameter("consumers", "2", "threads", "that free", 1, 4096),
    number_parameter("depth", "1000", "messages", "that the queue holds", 1, 100'000'000),
    distribution_parameter("batch", "exp:8", "messages", "that a thread handles in its turn"),
    distribution_parameter("size", "log:32:2Ki", "bytes", "sizes of messages"),
    percent_parameter("scratch", "10",
                      "messages for which the consumer allocates and frees a copy"),
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  const std::uint64_t producers = parameters.number("producers");
  const std::uint64_t consumers = parameters.number("consumers");
  const std::uint64_t depth = parameters.number("depth");
  const std::uint64_t scratch = parameters.share("scratch");
  const Distribution& batches = parameters.distribution("batch");
  const Distribution& sizes = parameters.distribution("size");
  struct Message {
    std::uint64_t object;
    std::uint64_t size;
  };
  std::deque<Message> queue;
  out.expect(events);
  while (out.events() < events) {
    const std::uint64_t thread = random.below(producers + consumers);
    out.set_thread(static_cast<std::uint32_t>(thread));
    for (std::uint64_t left = batches.draw(random); left > 0 && out.events() < events; --left) {
      if (thread < producers) {
        if (queue.size() >= depth) break;
        const std::uint64_t size = sizes.draw(random);
        queue.push_back({out.malloc(size), size});
        continue;
      }
      if (queue.empty()) break;
      if (random.chance(scratch) && out.events() + 2 < events) {
        out.free(out.malloc(queue.front().size));
      }
      out.free(queue.front().object);
      queue.pop_front();
    }
  }
}

}  // namespace

const Generator kProducerConsumer{
    "producer-consumer",
    1,
    "messages allocated by some threads and freed by others, first in "
    "first out",
    "none; the pattern behind producer-consumer blow-up in Berger, "
    "McKinley, Blumofe and Wilson, 'Hoard', ASPLOS 2000",
    kParameters,
    run};

}  // namespace replay::gen
