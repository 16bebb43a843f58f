// Power-of-two combs: fill some memory with objects of one size, free all but every n-th, and go on
// with twice the size, for which no gap is wide enough.
#include <algorithm>
#include <vector>

#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    number_parameter("least", "16", "bytes", "size of the first comb", 1, std::uint64_t{1} << 30),
    number_parameter("greatest", "16Ki", "bytes", "size that no comb exceeds", 1,
                     std::uint64_t{1} << 34),
    number_parameter("bytes", "4Mi", "bytes", "that each comb fills", 1, std::uint64_t{1} << 40),
    number_parameter("tooth", "2", "objects", "of which one stays", 2, 1'000'000),
    number_parameter("rounds", "2", "times", "all combs; the teeth go in between", 1, 1'000'000),
};

void run(const Parameters& parameters, Random&, Emitter& out) {
  const std::uint64_t bytes = parameters.number("bytes");
  const std::uint64_t tooth = parameters.number("tooth");
  const std::uint64_t greatest = parameters.number("greatest");
  const std::uint64_t least = parameters.number("least");
  parameters.require_ascending("least", "greatest");
  std::uint64_t expected = 0;
  for (std::uint64_t size = least; size <= greatest; size *= 2) {
    expected += 2 * std::max<std::uint64_t>(1, bytes / size);
  }
  out.expect(expected * parameters.number("rounds"));
  std::vector<std::uint64_t> teeth;
  std::vector<std::uint64_t> comb;
  for (std::uint64_t round = 0; round < parameters.number("rounds"); ++round) {
    for (std::uint64_t size = least; size <= greatest; size *= 2) {
      const std::uint64_t count = std::max<std::uint64_t>(1, bytes / size);
      for (std::uint64_t i = 0; i < count; ++i) comb.push_back(out.malloc(size));
      for (std::size_t i = 0; i < comb.size(); ++i) {
        if (i % tooth == 0) {
          teeth.push_back(comb[i]);
        } else {
          out.free(comb[i]);
        }
      }
      comb.clear();
    }
    for (const std::uint64_t object : teeth) out.free(object);
    teeth.clear();
  }
}

}  // namespace

const Generator kComb{
    "comb",
    1,
    "combs of doubling sizes: gaps between the teeth that the next comb cannot use",
    "folklore; it is Robson's idea without his choice of what to keep",
    kParameters,
    run};

}  // namespace replay::gen
