// Objects of one distribution of sizes and one of lifetimes, for ever: the number of live ones
// settles at the mean lifetime.
#include "replay/gen/churn.h"
#include "replay/gen/generator.h"

namespace replay::gen {
namespace {

constexpr ParameterSpec kParameters[] = {
    events_parameter("1M"),
    distribution_parameter("size", "log:16:4Ki", "bytes", "sizes asked for"),
    distribution_parameter("lifetime", "exp:10k", "births", "from an object's birth to its free"),
    percent_parameter("calloc", "0", "births by calloc"),
    percent_parameter("aligned", "0",
                      "other births that are aligned allocations, 32 bytes to 4 KiB"),
    percent_parameter("realloc", "0", "objects resized in the middle of their life"),
    number_parameter("threads", "1", "threads", "that allocate, in turn", 1, 4096),
    percent_parameter("foreign", "0", "frees by a thread drawn at random"),
};

void run(const Parameters& parameters, Random& random, Emitter& out) {
  const Distribution& sizes = parameters.distribution("size");
  const Distribution& lifetimes = parameters.distribution("lifetime");
  const std::uint64_t calloc_share = parameters.share("calloc");
  const std::uint64_t aligned_share = parameters.share("aligned");
  const std::uint64_t realloc_share = parameters.share("realloc");
  Churn churn(parameters.number("events"), parameters.number("threads"),
              parameters.share("foreign"), random, out);
  while (!churn.full()) {
    const std::uint64_t size = sizes.draw(random);
    const std::uint64_t lifetime = lifetimes.draw(random);
    const std::uint64_t new_size = random.chance(realloc_share) ? sizes.draw(random) : 0;
    Op op = Op::kMalloc;
    std::uint8_t align_log2 = 0;
    if (random.chance(calloc_share)) {
      op = Op::kCalloc;
    } else if (random.chance(aligned_share)) {
      op = Op::kAligned;
      align_log2 = static_cast<std::uint8_t>(random.between(5, 12));
    }
    churn.step(op, size, align_log2, lifetime, new_size);
  }
}

}  // namespace

const Generator kSteady{"steady",
                        1,
                        "a steady state: sizes and lifetimes of given distributions",
                        "none; exponential lifetimes are the usual model of a steady heap",
                        kParameters,
                        run};

}  // namespace replay::gen
