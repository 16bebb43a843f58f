// Vectors that grow by a factor and strings that grow by what is appended, many at a time: realloc.
#include <algorithm>
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("open", "200", "containers", "that grow at the same time", 1, 10'000'000),
    percent_parameter("vectors", "50", "containers that grow by the factor"),
    number_parameter("factor", "200", "percent", "a vector's new size of its old", 110, 1600),
    number_parameter("start", "32", "bytes", "a container's first size", 1, 1 << 30),
    distribution_parameter("end", "log:64:256Ki", "bytes", "size at which a container is whole"),
    distribution_parameter("append", "log:1:256", "bytes", "that a string grows by"),
    percent_parameter("fit", "20", "containers cut to their length when whole"),
    number_parameter("kept", "500", "containers", "that stay when whole, the oldest freed first", 0,
                     100'000'000),
};

struct Container {
  std::uint64_t object;
  std::uint64_t size;
  std::uint64_t end;
  bool is_vector;
};

class Growth {
 public:
  Growth(const Parameters& parameters, Random& random, Emitter& out)
      : parameters_(parameters), random_(random), out_(out), kept_(parameters.number("kept")) {}

  Container begin() {
    const std::uint64_t start = parameters_.number("start");
    const std::uint64_t end = parameters_.distribution("end").draw(random_);
    return {out_.malloc(start), start, std::max(start, end),
            random_.chance(parameters_.share("vectors"))};
  }

  // False when it is whole.
  bool grow(Container& container) {
    if (container.size >= container.end) return false;
    std::uint64_t size = container.size + parameters_.distribution("append").draw(random_);
    if (container.is_vector) {
      size = std::max(container.size + 1, container.size * parameters_.number("factor") / 100);
    } else {
      size = std::min(size, container.end);
    }
    out_.resize(container.object, size);
    container.size = size;
    return true;
  }

  void fit(const Container& container) {
    if (container.size > container.end && random_.chance(parameters_.share("fit"))) {
      out_.resize(container.object, container.end);
    }
  }

  // Kept for a while, in place of the oldest.
  void keep(const Container& container) {
    if (kept_.empty()) return out_.free(container.object);
    if (whole_ >= kept_.size()) out_.free(kept_[static_cast<std::size_t>(whole_ % kept_.size())]);
    kept_[static_cast<std::size_t>(whole_ % kept_.size())] = container.object;
    ++whole_;
  }

 private:
  const Parameters& parameters_;
  Random& random_;
  Emitter& out_;
  std::vector<std::uint64_t> kept_;  // a ring
  std::uint64_t whole_ = 0;
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const std::uint64_t events = parameters.number("events");
  out.expect(events);
  Growth growth(parameters, random, out);
  std::vector<Container> open;
  for (std::uint64_t i = 0; i < parameters.number("open") && out.events() < events; ++i) {
    open.push_back(growth.begin());
  }
  while (out.events() < events) {
    Container& container = open[static_cast<std::size_t>(random.below(open.size()))];
    if (growth.grow(container)) continue;
    growth.fit(container);
    if (out.events() < events) growth.keep(container);
    if (out.events() < events) container = growth.begin();
  }
}

}  // namespace

const Generator kGrowth{"growth",
                        1,
                        "vectors and strings that grow by realloc, many at a time",
                        "none; factor 200 is libstdc++'s growth, 150 that of MSVC and of folly",
                        kParameters,
                        run};

}  // namespace replay::gen
