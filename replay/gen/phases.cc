// A program that grows, stays, and shrinks, again and again: ramp, plateau, and a drop in which a
// random part of the objects survives.
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("cycles", "4", "times", "ramp, plateau and drop", 1, 1'000'000),
    number_parameter("peak", "32Mi", "bytes", "live on the plateau", 4096, std::uint64_t{1} << 44),
    percent_parameter("survivors", "10", "objects that the drop leaves"),
    percent_parameter("churn", "25", "frees among the events of the ramp"),
    distribution_parameter("size", "log:16:8Ki", "bytes", "sizes of even cycles (0, 2, ...)"),
    distribution_parameter("odd-size", "log:24:12Ki", "bytes", "sizes of odd cycles"),
};

class Phases {
 public:
  Phases(const Parameters& parameters, Random& random, Emitter& out)
      : parameters_(parameters), random_(random), out_(out) {}

  // Ends when `last` events are out.
  void cycle(const Distribution& sizes, std::uint64_t last) {
    const std::uint64_t peak = parameters_.number("peak");
    const std::uint64_t churn = parameters_.share("churn");
    const std::uint64_t dying = kWhole - parameters_.share("survivors");
    const auto to_free = [&] {
      return static_cast<std::uint64_t>(Wide{live_.size()} * dying / kWhole);
    };
    while (bytes_ < peak && out_.events() + to_free() < last) {
      if (!live_.empty() && random_.chance(churn)) {
        free_one();
      } else {
        birth(sizes);
      }
    }
    while (out_.events() + to_free() < last) {
      if (bytes_ > peak && !live_.empty()) {
        free_one();
      } else {
        birth(sizes);
      }
    }
    while (out_.events() < last && !live_.empty()) free_one();
    while (out_.events() < last) birth(sizes);
  }

 private:
  struct Object {
    std::uint64_t name;
    std::uint64_t size;
  };

  void birth(const Distribution& sizes) {
    const std::uint64_t size = sizes.draw(random_);
    live_.push_back({out_.malloc(size), size});
    bytes_ += size;
  }

  void free_one() {
    Object& victim = live_[static_cast<std::size_t>(random_.below(live_.size()))];
    out_.free(victim.name);
    bytes_ -= victim.size;
    victim = live_.back();
    live_.pop_back();
  }

  const Parameters& parameters_;
  Random& random_;
  Emitter& out_;
  std::vector<Object> live_;
  std::uint64_t bytes_ = 0;
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  const std::uint64_t cycles = parameters.number("cycles");
  out.expect(events);
  Phases phases(parameters, random, out);
  for (std::uint64_t i = 0; i < cycles; ++i) {
    const auto last = static_cast<std::uint64_t>(Wide{events} * (i + 1) / cycles);
    phases.cycle(parameters.distribution(i % 2 == 0 ? "size" : "odd-size"), last);
  }
}

}  // namespace

const Generator kPhases{"phases",
                        1,
                        "ramp, plateau and drop, with survivors, in cycles of two mixes of sizes",
                        "the shapes (ramp, plateau, peaks) are those that Wilson, Johnstone, Neely "
                        "and Boles found in programs, 'Dynamic Storage Allocation', IWMM 1995; the "
                        "figures are none of theirs",
                        kParameters,
                        run};

}  // namespace replay::gen
