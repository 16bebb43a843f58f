#include <fmt/format.h>

#include "replay/gen/generator.h"
#include "replay/trace/error.h"

namespace replay::gen {
namespace {

constexpr const Generator* kAll[] = {
    &kSteady, &kPhases,           &kWarehouse,     &kRequests, &kGrowth,
    &kEdges,  &kProducerConsumer, &kAsymmetric,    &kLarson,   &kComb,
    &kPinned, &kRobsonFirstFit,   &kRobsonBestFit,
};

}  // namespace

std::span<const Generator* const> generators() { return kAll; }

const Generator& find_generator(const std::string& name) {
  std::string names;
  for (const Generator* generator : kAll) {
    if (name == generator->name) return *generator;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", generator->name);
  }
  throw Error(fmt::format("there is no generator '{}'; there are {}", name, names),
              ExitCode::kUsage);
}

void run_generator(const Generator& generator, const Parameters& parameters, std::uint64_t seed,
                   Emitter& out) {
  Random random(seed);
  out.set_thread(0);
  generator.run(parameters, random, out);
  out.flush();
}

}  // namespace replay::gen
