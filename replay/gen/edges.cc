// Walks the edges of size classes: one byte less than a class holds, exactly that, and one byte
// more, for every class up to a size; and reallocs that step over the edge and back.
#include <algorithm>
#include <bit>
#include <vector>

#include "replay/gen/generator.h"
#include "replay/trace/error.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    number_parameter("least", "16", "bytes", "the first edge", 16, std::uint64_t{1} << 30),
    number_parameter("greatest", "1Mi", "bytes", "the last edge", 16, std::uint64_t{1} << 34),
    number_parameter("steps", "8", "edges", "from a power of two to the next", 1, 64),
    number_parameter("header", "0", "bytes", "less at each edge: what an allocator keeps there", 0,
                     15),
    number_parameter("group", "16", "objects", "of each size, live at the same time", 1, 1'000'000),
    percent_parameter("realloc", "25", "objects that step over the edge and back"),
    percent_parameter("aligned", "5", "objects allocated aligned to the power of two below"),
};

// The edges in ascending order, 16 bytes apart at least.
std::vector<std::uint64_t> make_edges(const Parameters& parameters) {
  const std::uint64_t greatest = parameters.number("greatest");
  const std::uint64_t steps = parameters.number("steps");
  std::vector<std::uint64_t> edges;
  for (std::uint64_t base = 16; base <= greatest; base *= 2) {
    for (std::uint64_t step = 0; step < steps; ++step) {
      const std::uint64_t edge = base + base * step / steps;
      if (edge % 16 != 0 || edge < parameters.number("least") || edge > greatest) continue;
      edges.push_back(edge);
    }
  }
  return edges;
}

class Walker {
 public:
  Walker(const Parameters& parameters, Random& random, Emitter& out)
      : events_(parameters.number("events")),
        group_(parameters.number("group")),
        header_(parameters.number("header")),
        realloc_(parameters.share("realloc")),
        aligned_(parameters.share("aligned")),
        random_(random),
        out_(out) {}

  bool full() const { return out_.events() >= events_; }

  void walk(std::uint64_t edge) {
    const std::uint64_t held = edge - header_;
    for (const std::uint64_t size : {held - 1, held, held + 1}) {
      for (std::uint64_t i = 0; i < group_ && !full(); ++i) live_.push_back(birth(size));
      for (const std::uint64_t object : live_) step_over(object, held);
      // Every other object first, so that some frees have no free neighbour.
      for (std::size_t i = 0; i < live_.size() && !full(); i += 2) out_.free(live_[i]);
      for (std::size_t i = 1; i < live_.size() && !full(); i += 2) out_.free(live_[i]);
      live_.clear();
    }
  }

 private:
  std::uint64_t birth(std::uint64_t size) {
    if (!random_.chance(aligned_)) return out_.malloc(size);
    const auto log2 =
        std::min<std::uint64_t>(12, static_cast<std::uint64_t>(std::bit_width(size)) - 1);
    return out_.birth(Op::kAligned, size, static_cast<std::uint8_t>(log2));
  }

  void step_over(std::uint64_t object, std::uint64_t held) {
    if (!random_.chance(realloc_)) return;
    for (const std::uint64_t size : {held + 1, held}) {
      if (!full()) out_.resize(object, size);
    }
  }

  std::uint64_t events_;
  std::uint64_t group_;
  std::uint64_t header_;
  std::uint64_t realloc_;
  std::uint64_t aligned_;
  Random& random_;
  Emitter& out_;
  std::vector<std::uint64_t> live_;
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  out.expect(parameters.number("events"));
  parameters.require_ascending("least", "greatest");
  const std::vector<std::uint64_t> edges = make_edges(parameters);
  if (edges.empty()) {
    throw Error("edges: there is none from 'least' to 'greatest'; they are multiples of 16",
                ExitCode::kUsage);
  }
  Walker walker(parameters, random, out);
  for (std::size_t i = 0; !walker.full(); i = (i + 1) % edges.size()) walker.walk(edges[i]);
}

}  // namespace

const Generator kEdges{
    "edges",
    1,
    "sizes just below, at and above the edges of size classes, and reallocs over them",
    "none; jemalloc's classes are 4 steps a doubling, header=8 puts the edges at glibc's",
    kParameters,
    run};

}  // namespace replay::gen
