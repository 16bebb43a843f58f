// What a generator is. A new one is one new file and one row in list.cc; help, `generate --list`
// and the tests take it from there.
//
// The same name, version, seed and parameters give the same events for ever: whoever changes what
// comes out raises the version (a test holds a hash of each one's events).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "replay/gen/emitter.h"
#include "replay/gen/parameters.h"
#include "replay/gen/random.h"

namespace replay::gen {

struct Generator {
  const char* name;
  int version;
  const char* summary;
  const char* citation;  // what it follows, and how far
  std::span<const ParameterSpec> parameters;
  void (*run)(const Parameters& parameters, Random& random, Emitter& out);
};

// Every generator, in the order of the documentation.
std::span<const Generator* const> generators();

// Throws Error (usage), with the names there are.
const Generator& find_generator(const std::string& name);

// Runs it from start to end; the calls before its first set_thread() are of thread 0.
void run_generator(const Generator& generator, const Parameters& parameters, std::uint64_t seed,
                   Emitter& out);

// For the declarations of parameters.
constexpr ParameterSpec number_parameter(const char* name, const char* value, const char* unit,
                                         const char* summary, std::uint64_t least,
                                         std::uint64_t greatest) {
  return {name, ParameterKind::kNumber, value, unit, summary, least, greatest};
}
constexpr ParameterSpec percent_parameter(const char* name, const char* value,
                                          const char* summary) {
  return {name, ParameterKind::kPercent, value, "percent", summary};
}
constexpr ParameterSpec distribution_parameter(const char* name, const char* value,
                                               const char* unit, const char* summary) {
  return {name, ParameterKind::kDistribution, value, unit, summary};
}
constexpr ParameterSpec choice_parameter(const char* name, const char* value, const char* words,
                                         const char* summary) {
  return {name, ParameterKind::kChoice, value, words, summary};
}
constexpr ParameterSpec events_parameter(const char* value) {
  return number_parameter("events", value, "events", "length of the trace", 1, 1'000'000'000'000);
}

extern const Generator kSteady;
extern const Generator kPhases;
extern const Generator kWarehouse;
extern const Generator kRequests;
extern const Generator kGrowth;
extern const Generator kEdges;
extern const Generator kProducerConsumer;
extern const Generator kAsymmetric;
extern const Generator kLarson;
extern const Generator kComb;
extern const Generator kPinned;
extern const Generator kRobsonFirstFit;
extern const Generator kRobsonBestFit;

}  // namespace replay::gen
