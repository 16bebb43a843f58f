// Bursts of objects of which few survive, spread over all the pages that the burst took: little
// live, yet hardly a page to give back.
#include <deque>
#include <utility>
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("burst", "50k", "objects", "allocated before most are freed", 1, 100'000'000),
    number_parameter("pin", "100", "objects", "of which one survives, drawn at random", 2,
                     1'000'000'000),
    number_parameter("hold", "0", "bursts", "that a survivor stays for; 0 is for ever", 0,
                     1'000'000'000),
    choice_parameter("order", "random", "first-in|random", "in which a burst is freed"),
    distribution_parameter("size", "log:16:512", "bytes", "sizes"),
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  const std::uint64_t burst = parameters.number("burst");
  const std::uint64_t pin = parameters.number("pin");
  const std::uint64_t hold = parameters.number("hold");
  const bool shuffled = parameters.choice("order") == "random";
  const Distribution& sizes = parameters.distribution("size");
  std::deque<std::vector<std::uint64_t>> survivors;  // of the bursts that are held
  out.expect(events);
  while (out.events() < events) {
    std::vector<std::uint64_t> objects;
    while (objects.size() < burst && out.events() < events) {
      objects.push_back(out.malloc(sizes.draw(random)));
    }
    for (std::size_t i = objects.size(); shuffled && i > 1; --i) {
      std::swap(objects[i - 1], objects[static_cast<std::size_t>(random.below(i))]);
    }
    std::vector<std::uint64_t> pinned;
    for (const std::uint64_t object : objects) {
      if (out.events() >= events) break;
      if (random.below(pin) == 0) {
        pinned.push_back(object);
      } else {
        out.free(object);
      }
    }
    if (hold == 0) continue;
    survivors.push_back(std::move(pinned));
    if (survivors.size() <= hold) continue;
    for (const std::uint64_t object : survivors.front()) {
      if (out.events() < events) out.free(object);
    }
    survivors.pop_front();
  }
}

}  // namespace

const Generator kPinned{
    "pinned",
    1,
    "bursts of which a few objects survive and pin the pages",
    "the effect is described by Maas and others, 'Learning-based Memory Allocation "
    "for C++ Server Workloads', ASPLOS 2020; the figures are none of theirs",
    kParameters,
    run};

}  // namespace replay::gen
