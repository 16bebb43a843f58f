// Every generator: valid traces, of the length asked for, and the same events for ever.
#include "replay/gen/generator.h"

#include <gmock/gmock.h>

#include <map>

#include "replay/trace/validate.h"
#include "tests/support/error_of.h"

namespace replay::gen {
namespace {

constexpr std::uint64_t kSeed = 42;

// Small enough for a test, and not the defaults everywhere.
const std::map<std::string, std::vector<std::string>> kSettings = {
    {"steady",
     {"events=20k", "lifetime=exp:500", "calloc=10", "aligned=5", "realloc=10", "threads=3",
      "foreign=20"}},
    {"phases", {"events=20k", "peak=1Mi", "cycles=3"}},
    {"warehouse", {"events=20k", "live=2k"}},
    {"requests", {"events=20k", "cache=100", "session-length=exp:50"}},
    {"growth", {"events=20k", "open=20", "kept=10", "end=log:64:8Ki"}},
    {"edges", {"events=20k", "greatest=4Ki", "header=8"}},
    {"producer-consumer", {"events=20k", "depth=50"}},
    {"asymmetric", {"events=20k"}},
    {"larson", {"events=20k", "slots=100", "rounds=500"}},
    {"comb", {"bytes=64Ki", "greatest=1Ki"}},
    {"pinned", {"events=20k", "burst=2k", "hold=3"}},
    {"robson-first-fit", {"live=2Ki", "largest=64"}},
    {"robson-best-fit", {"gaps=40"}},
};

// Whoever changes what a generator emits raises its version in its file and both numbers here.
struct Golden {
  int version;
  std::uint64_t hash;
};
const std::map<std::string, Golden> kGolden = {
    {"steady", {1, 0x2ff89190c511214}},
    {"phases", {1, 0x759b1bbb01ad4c64}},
    {"warehouse", {1, 0x8c3765ee11726de1}},
    {"requests", {1, 0xf36cae103f3a1ab}},
    {"growth", {1, 0x8e6f990ca344499b}},
    {"edges", {1, 0xed8e0d5458c0630a}},
    {"producer-consumer", {1, 0xc33f4b46ecfd3892}},
    {"asymmetric", {1, 0x860175dfc7db0df}},
    {"larson", {1, 0xe0be1babb267cb42}},
    {"comb", {1, 0xc97e966baae9ad0d}},
    {"pinned", {1, 0x1e3ae5e8072d118f}},
    {"robson-first-fit", {1, 0xfd6af940607f0675}},
    {"robson-best-fit", {1, 0xa4beb6a84961300}},
};

std::vector<Event> run(const Generator& generator, std::uint64_t seed) {
  const Parameters parameters(generator.name, generator.parameters, kSettings.at(generator.name));
  std::vector<Event> events;
  Emitter out([&](std::span<const Event> block) {
    events.insert(events.end(), block.begin(), block.end());
  });
  run_generator(generator, parameters, seed, out);
  return events;
}

std::uint64_t hash_of(const std::vector<Event>& events) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over the fields, byte by byte
  const auto add = [&hash](std::uint64_t value) {
    for (int i = 0; i < 8; ++i, value >>= 8) hash = (hash ^ (value & 255)) * 0x100000001b3;
  };
  for (const Event& event : events) {
    for (const std::uint64_t field :
         {event.time_ns, event.object, event.size, std::uint64_t{event.thread},
          static_cast<std::uint64_t>(event.op), std::uint64_t{event.align_log2}}) {
      add(field);
    }
  }
  return hash;
}

TEST(GeneratorTest, EachHasUniqueNamesAndWords) {
  std::map<std::string, int> names;
  for (const Generator* generator : generators()) {
    EXPECT_EQ(++names[generator->name], 1);
    EXPECT_GE(generator->version, 1);
    EXPECT_NE(generator->citation, nullptr);
    std::map<std::string, int> parameters;
    for (const ParameterSpec& spec : generator->parameters) EXPECT_EQ(++parameters[spec.name], 1);
    Parameters(generator->name, generator->parameters, {});  // the defaults are in their domains
  }
  EXPECT_EQ(names.size(), kSettings.size());
}

TEST(GeneratorTest, EachMakesValidTraces) {
  for (const Generator* generator : generators()) {
    for (const std::uint64_t seed : {kSeed, kSeed + 1}) {
      Validator validator;
      validator.feed(run(*generator, seed));
      EXPECT_EQ(validator.result().violation, "") << generator->name;
      EXPECT_GT(validator.result().frees, 100U) << generator->name;
    }
  }
}

TEST(GeneratorTest, EventsIsTheLengthExactly) {
  for (const Generator* generator : generators()) {
    if (std::string(generator->parameters[0].name) != "events") continue;
    EXPECT_EQ(run(*generator, kSeed).size(), 20000U) << generator->name;
  }
}

TEST(GeneratorTest, ProgressKnowsTheLength) {
  for (const Generator* generator : generators()) {
    std::uint64_t events = 0;
    Emitter out([&](std::span<const Event> block) { events += block.size(); });
    run_generator(*generator,
                  Parameters(generator->name, generator->parameters, kSettings.at(generator->name)),
                  kSeed, out);
    if (out.expected() == 0) continue;
    EXPECT_NEAR(static_cast<double>(events) / static_cast<double>(out.expected()), 1, 0.05)
        << generator->name;
  }
}

TEST(GeneratorTest, TheSameEventsForEver) {
  for (const Generator* generator : generators()) {
    const std::uint64_t hash = hash_of(run(*generator, kSeed));
    const auto golden = kGolden.find(generator->name);
    if (golden != kGolden.end() && golden->second.version == generator->version &&
        golden->second.hash == hash) {
      continue;
    }
    ADD_FAILURE() << generator->name
                  << " emits other events: raise its version, then put in this row:\n    {\""
                  << generator->name << "\", {" << generator->version << ", 0x" << std::hex << hash
                  << "}},";
  }
}

TEST(GeneratorTest, TheSeedMatters) {
  for (const Generator* generator : generators()) {
    const std::string name = generator->name;
    if (name.starts_with("robson") || name == "comb") continue;  // nothing in them is random
    EXPECT_NE(hash_of(run(*generator, 1)), hash_of(run(*generator, 2))) << name;
  }
}

TEST(GeneratorTest, AnUnknownNameIsToldTheOthers) {
  EXPECT_THAT(test::error_of([] { find_generator("stedy"); }),
              ::testing::HasSubstr("no generator 'stedy'; there are steady, phases"));
}

TEST(GeneratorTest, LarsonHandsItsArraysOn) {
  std::uint32_t threads = 0;
  for (const Event& event : run(find_generator("larson"), kSeed)) {
    threads = std::max(threads, event.thread + 1);
  }
  EXPECT_GT(threads, 15U);  // about 10,000 replacements, one thread for 500
}

TEST(GeneratorTest, PinnedKeepsAFew) {
  Validator validator;
  validator.feed(run(find_generator("pinned"), kSeed));
  EXPECT_LT(validator.result().live_at_end(), 2100U);
}

}  // namespace
}  // namespace replay::gen
