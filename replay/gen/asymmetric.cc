// Some threads only allocate and others only free, in batches that lie a while in between: what an
// allocator's thread caches and remote frees find hardest.
#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("allocating", "1", "threads", "that allocate", 1, 4096),
    number_parameter("freeing", "3", "threads", "that free", 1, 4096),
    number_parameter("batch", "200", "objects", "handed over at once", 1, 10'000'000),
    number_parameter("waiting", "20", "batches", "that lie in between", 0, 10'000'000),
    choice_parameter("order", "random", "first-in|last-in|random", "in which a batch is freed"),
    distribution_parameter("size", "log:16:1Ki", "bytes", "sizes"),
};

using Batch = std::vector<std::uint64_t>;

// Puts the batch in the order of its frees, from the back.
void arrange(Batch& batch, const std::string& order, Random& random) {
  if (order == "first-in") std::reverse(batch.begin(), batch.end());
  if (order != "random") return;
  for (std::size_t i = batch.size(); i > 1; --i) {
    std::swap(batch[i - 1], batch[static_cast<std::size_t>(random.below(i))]);
  }
}

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  const std::uint64_t allocating = parameters.number("allocating");
  const std::uint64_t freeing = parameters.number("freeing");
  const std::uint64_t batch_size = parameters.number("batch");
  const std::string& order = parameters.choice("order");
  const Distribution& sizes = parameters.distribution("size");
  std::deque<Batch> waiting;
  out.expect(events);
  for (std::uint64_t turn = 0; out.events() < events; ++turn) {
    out.set_thread(static_cast<std::uint32_t>(turn % allocating));
    Batch batch;
    while (batch.size() < batch_size && out.events() < events) {
      batch.push_back(out.malloc(sizes.draw(random)));
    }
    arrange(batch, order, random);
    waiting.push_back(std::move(batch));
    if (waiting.size() <= parameters.number("waiting")) continue;
    out.set_thread(static_cast<std::uint32_t>(allocating + turn % freeing));
    for (Batch& oldest = waiting.front(); !oldest.empty() && out.events() < events;
         oldest.pop_back()) {
      out.free(oldest.back());
    }
    waiting.pop_front();
  }
}

}  // namespace

const Generator kAsymmetric{
    "asymmetric", 1,           "threads that only allocate and threads that only free, in batches",
    "none",       kParameters, run};

}  // namespace replay::gen
